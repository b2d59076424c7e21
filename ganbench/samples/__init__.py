"""Scores anyone's samples against anyone's reference: what `ganbench evaluate` does."""

from ganbench.samples.choice import available, choose
from ganbench.samples.neighbours import pairs
from ganbench.samples.scoring import fitting, score, steps
from ganbench.samples.sources import read_sides
from ganbench.samples.text import body, table

__all__ = ["available", "body", "choose", "fitting", "pairs", "read_sides", "score", "steps", "table"]
