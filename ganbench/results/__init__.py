"""The results folder: what runs and suites leave on disk, and how it is read."""
