"""Scores as rows of `scores.jsonl`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ganbench.evaluators.base import Score

if TYPE_CHECKING:
    from ganbench.training.snapshot import RunSnapshot
    from ganbench.variants.base import Variant

OWN = {"protocol": "the variant's own measure", "split": "test", "statistics": "float64"}


def row(step: int, metric: str, score: Score, evaluator: str) -> dict[str, Any]:
    """A score of a run at a step; `evaluator` is the name under which its scores are kept."""
    return {"step": step, "time": time.time(), "metric": metric, "value": score.value, "stderr": score.stderr,
            "n": score.n, "n_reference": score.n_reference, "evaluator": evaluator,
            "fingerprint": score.fingerprint}  # fmt: skip


def own_key(variant: Variant) -> str:
    """The name under which the scores are kept that a variant measures itself."""
    return f"{variant.kind()} v{variant.version}"


def own_rows(look: RunSnapshot) -> list[dict[str, Any]]:
    """What the variant measures of its own networks, which only training has."""
    return [
        row(look.step, metric, Score(mean.value, mean.stderr, mean.n, mean.n, OWN), own_key(look.spec.variant))
        for metric, mean in look.measures().items()
    ]
