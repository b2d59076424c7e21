"""How a command ends, for the shell."""

from ganbench.guard.interrupts import INTERRUPTED

__all__ = ["DONE", "FAILED", "INTERRUPTED", "WRONG"]

DONE = 0  # every run is done or diverged, or the question is answered
FAILED = 1  # some run failed and the others are kept, or a check or gate did not pass
WRONG = 2  # the request is wrong: nothing ran
