"""What each command of the command line does: calls the parts and prints their answers."""
