"""How a command ends, for the shell."""

DONE = 0  # every run done or diverged; a question answered
FAILED = 1  # some run failed, the others are kept; a check or a gate that did not pass
WRONG = 2  # the request is wrong: nothing ran
INTERRUPTED = 130
