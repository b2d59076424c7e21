"""Code shared by several evaluators."""
