"""How a command ends, for the shell."""

from ganbench.guard.interrupts import INTERRUPTED

__all__ = ["DONE", "FAILED", "INTERRUPTED", "INTERRUPTED_TEXT", "WRONG"]

DONE = 0  # every run is done or diverged, or the question is answered
FAILED = 1  # some run failed and the others are kept, or a check or gate did not pass
WRONG = 2  # the request is wrong: nothing ran

INTERRUPTED_TEXT = "interrupted; finished work is kept. Run the same line again to continue."  # on stderr, with 130
