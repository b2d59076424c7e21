"""Penalties, one file each: terms that any variant's losses can have in addition."""
