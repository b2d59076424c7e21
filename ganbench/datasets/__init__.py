"""Datasets, one file each, named by their kind."""
