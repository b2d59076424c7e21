"""Scores of given samples against a given reference: the work of `ganbench evaluate`."""

from ganbench.samples.choice import available_features, choose_evaluators, refuse_code
from ganbench.samples.neighbours import nearest_pairs
from ganbench.samples.scoring import count_steps, score_samples, supported_evaluators
from ganbench.samples.sources import read_samples
from ganbench.samples.text import score_body, score_table

__all__ = [
    "available_features",
    "choose_evaluators",
    "count_steps",
    "nearest_pairs",
    "read_samples",
    "refuse_code",
    "score_body",
    "score_samples",
    "score_table",
    "supported_evaluators",
]
