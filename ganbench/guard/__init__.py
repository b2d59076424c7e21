"""What a user's code may not change: how its files are imported, and the state of the process around its calls."""
