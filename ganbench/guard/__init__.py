"""Guards of the process: Ctrl-C at any moment, and the state that a user's code may not change."""
