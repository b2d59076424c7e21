"""Data to imitate, one file each."""
