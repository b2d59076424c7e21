"""Scores, and reasons for absent ones, as rows of a run's files."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ganbench.evaluators.base import Score
from ganbench.features.scoring import finite_score
from ganbench.results.state import AbsentRow, ScoreRow
from ganbench.runner.job import own_key

if TYPE_CHECKING:
    from ganbench.training.snapshot import RunSnapshot

OWN = {"protocol": "the variant's own measure", "split": "test", "statistics": "float64"}


def row(step: int, metric: str, score: Score, evaluator: str) -> ScoreRow:
    """A score of a run at a step, for `scores.jsonl`; `evaluator` is the name under which its scores are kept."""
    return {"step": step, "time": time.time(), "metric": metric, "value": score.value, "stderr": score.stderr,
            "n": score.n, "n_reference": score.n_reference, "evaluator": evaluator,
            "fingerprint": score.fingerprint}  # fmt: skip


def absent_row(step: int, metric: str, because: str, evaluator: str) -> AbsentRow:
    """The reason why a metric of a run has no score at a step, for `absent.jsonl`."""
    return {"step": step, "time": time.time(), "metric": metric, "evaluator": evaluator, "because": because}


def own_rows(snapshot: RunSnapshot) -> tuple[list[ScoreRow], list[AbsentRow]]:
    """What the variant measures of its own networks, and what of that is absent; only training holds all networks."""
    key, rows, absent = own_key(snapshot.spec.variant), [], []
    for metric, mean in snapshot.measures().items():
        try:
            score = finite_score(Score(mean.value, mean.stderr, mean.n, mean.n, OWN))
            rows.append(row(snapshot.step, metric, score, key))
        except ValueError as error:
            absent.append(absent_row(snapshot.step, metric, str(error), key))
    return rows, absent
