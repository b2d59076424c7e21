"""Code that several datasets share."""
