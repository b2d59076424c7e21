"""The training loop, which knows no variant by name."""
