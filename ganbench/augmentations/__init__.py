"""Augmentations, one file each: random transformations of the samples that D sees."""
