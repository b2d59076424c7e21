"""Scores by several evaluators, and the reason for each metric that has none.

An evaluator that fails, or a value that is not a finite number, costs that evaluator's metrics and nothing else.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Real as RealNumber
from typing import Any

import numpy as np
import torch

from ganbench.errors import RequestError, SideEffect
from ganbench.evaluators.base import Evaluator, Score, declared_metric
from ganbench.features.bank import Real, Samples, evaluate
from ganbench.features.memory import unfit

NO_VALUE = "it has no value for these samples"
OUT_OF_MEMORY = "the memory was not enough; use fewer samples or features with fewer dimensions"
ALLOCATION = ("can't allocate memory", "out of memory")  # in torch's messages, which are plain RuntimeErrors


@dataclass(frozen=True)
class AbsentScore:
    """Why a metric of an evaluator has no score; `metric` is empty for all of them. `trace`: where `error` arose."""

    evaluator: Evaluator
    metric: str
    because: str
    trace: str = ""
    error: Exception | None = None


@dataclass(frozen=True)
class Scoring:
    """The scores by evaluator and metric, in the evaluators' order, and what is absent."""

    scores: tuple[tuple[Evaluator, str, Score], ...]
    absent: tuple[AbsentScore, ...]


def score_all(
    fake: Samples, real: Real, evaluators: Iterable[Evaluator], seed: int, step: Callable[[str], None] = lambda _: None
) -> Scoring:
    """Scores by every evaluator that can give them. `step` is called with each evaluator's name before it starts.

    Evaluators that do not fit into the free memory are left out before any of them starts.
    """
    chosen = list(evaluators)
    too_large = unfit(chosen, len(fake), real)
    scores: list[tuple[Evaluator, str, Score]] = []
    absent: list[AbsentScore] = []
    for evaluator in chosen:
        step(evaluator.notation())
        if (reason := too_large.get(evaluator.notation())) is not None:
            absent.append(AbsentScore(evaluator, "", reason))
            continue
        found = score_one(fake, real, evaluator, seed)
        scores += found.scores
        absent += found.absent
    return Scoring(tuple(scores), tuple(absent))


def score_one(fake: Samples, real: Real, evaluator: Evaluator, seed: int) -> Scoring:
    """The scores of one evaluator. Adding an evaluator doesn't change another's numbers.

    Raises `SideEffect` if a user's evaluator has changed the state of the process.
    """
    try:
        evaluator.check(real)
        given = {name: score for _, name, score in evaluate(fake, real, [evaluator], seed)}
        return _checked(evaluator, given)
    except SideEffect:
        raise  # it concerns the whole process, not one metric
    except Exception as error:
        trace = "" if isinstance(error, RequestError) else "".join(traceback.format_exception(error))
        return Scoring((), (AbsentScore(evaluator, "", _reason(error), trace, error),))


def finite_score(score: Score) -> Score:
    """The score with Python's own numbers, and without a `stderr` that is not finite.

    Raises `ValueError` with the reason if the value is not a finite real number.
    """
    value = real_number(score.value)
    if not math.isfinite(value):
        raise ValueError(f"its value is {value}")
    stderr = None if score.stderr is None else real_number(score.stderr)
    stderr = stderr if stderr is not None and math.isfinite(stderr) else None
    marks = {str(name): str(fact) for name, fact in score.fingerprint.items()}
    counts = {"n": int(score.n), "n_reference": int(score.n_reference)}
    return replace(score, value=value, stderr=stderr, fingerprint=marks, **counts)


def real_number(value: Any) -> float:
    """A number of any library as a float: NumPy's, torch's, `Decimal`, `Fraction`. Raises `ValueError` for the rest."""
    if isinstance(value, (torch.Tensor, np.ndarray)) and math.prod(value.shape) == 1:
        value = value.item()
    if isinstance(value, (RealNumber, Decimal)):
        try:
            return float(value)
        except OverflowError:
            raise ValueError("its value is too large for a float") from None
    shape = f" of shape {tuple(value.shape)}" if isinstance(value, (torch.Tensor, np.ndarray)) else ""
    raise ValueError(f"its value is a {type(value).__name__}{shape}, not a real number")


def _checked(evaluator: Evaluator, given: Mapping[str, Score]) -> Scoring:
    declared = [metric.name for metric in evaluator.metrics()]
    scores: list[tuple[Evaluator, str, Score]] = []
    reasons = {name: NO_VALUE for name in declared}
    for name, score in given.items():
        reasons.pop(name, None)
        try:
            if declared_metric(name) not in declared:
                raise ValueError(f"it is not among its metrics ({', '.join(declared)}), which `metrics` declares")
            if not isinstance(score, Score):
                raise ValueError(f"it is a {type(score).__name__}, not a Score")
            scores.append((evaluator, name, finite_score(score)))
        except (ValueError, TypeError, AttributeError) as error:
            reasons[str(name)] = str(error)
    return Scoring(tuple(scores), tuple(AbsentScore(evaluator, name, because) for name, because in reasons.items()))


def _reason(error: Exception) -> str:
    if isinstance(error, RequestError):
        return "; ".join(part for part in (f"{error.where}: {error.given}", error.allowed, error.todo) if part)
    if isinstance(error, MemoryError) or any(text in str(error) for text in ALLOCATION):
        return OUT_OF_MEMORY
    return f"it failed with {type(error).__name__.lstrip('_')}: {str(error).strip() or 'no message'}"
