"""Scores anyone's samples against anyone's reference: what `ganbench evaluate` does."""

from ganbench.evaluate.choice import available, choose
from ganbench.evaluate.neighbours import pairs
from ganbench.evaluate.scoring import fitting, score, steps
from ganbench.evaluate.sources import read_sides
from ganbench.evaluate.text import body, table

__all__ = ["available", "body", "choose", "fitting", "pairs", "read_sides", "score", "steps", "table"]
