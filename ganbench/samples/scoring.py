"""All available scores of generated samples against a reference, and the reason for each that isn't available."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch

from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator, Metric, Score
from ganbench.features.bank import Bank, Real, Samples, evaluate
from ganbench.samples.choice import Unavailable
from ganbench.samples.sources import ComparedSamples

ShowStep = Callable[[str], None]  # called with the name of each step before it starts
linalg: Any = torch.linalg  # its type stubs lack LinAlgError


@dataclass(frozen=True)
class ScoreLine:
    """One score of one evaluator."""

    evaluator: str
    metric: Metric
    score: Score


@dataclass(frozen=True)
class ScoreSheet:
    """The scores of some samples, and the metrics without a score with the reasons."""

    samples: ComparedSamples
    lines: tuple[ScoreLine, ...]
    absent: tuple[Unavailable, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What evaluators note beside their scores."""
        noted = ((line.evaluator, line.score.fingerprint.get("note")) for line in self.lines)
        return tuple(dict.fromkeys(f"{evaluator}: {note}" for evaluator, note in noted if note))


def supported_evaluators(
    samples: ComparedSamples, evaluators: Iterable[Evaluator]
) -> tuple[tuple[Evaluator, ...], tuple[Unavailable, ...]]:
    """The evaluators that can score such samples, and why the others can't."""
    chosen = list(evaluators)
    modes = samples.real.modes is not None
    reasons = [evaluator.unsupported(samples.real.space, len(samples.fake), modes) for evaluator in chosen]
    judged = list(zip(chosen, reasons, strict=True))
    absent = (Unavailable(evaluator.notation(), reason) for evaluator, reason in judged if reason)
    return tuple(evaluator for evaluator, reason in judged if not reason), tuple(absent)


def count_steps(evaluators: Iterable[Evaluator]) -> int:
    """The number of steps that `score_samples` shows."""
    chosen = list(evaluators)
    return len(chosen) + len({name for evaluator in chosen for name in evaluator.needs()} - {"pixels"})


def score_samples(
    samples: ComparedSamples, evaluators: Iterable[Evaluator], bank: Bank, seed: int, step: ShowStep
) -> ScoreSheet:
    """The scores by evaluators that support the samples. Adding an evaluator doesn't change another's numbers."""
    chosen = list(evaluators)
    real = bank.reference(samples.real)
    fake = real.view(samples.fake.x, samples.fake.y)
    for name in dict.fromkeys(name for evaluator in chosen for name in evaluator.needs()):
        if name != "pixels":
            step(f"features {name}")
            with suppress(RequestError):  # reported by each evaluator that needs them
                fake.features(name)
                real.split("test").features(name)
    lines: list[ScoreLine] = []
    absent: list[Unavailable] = []
    for evaluator in chosen:
        step(evaluator.notation())
        scores, missing = _scores(evaluator, fake, real, seed)
        lines += [ScoreLine(evaluator.notation(), metric, _marked(score, samples)) for metric, score in scores]
        absent += missing
    return ScoreSheet(samples, tuple(lines), tuple(absent))


def _scores(
    evaluator: Evaluator, fake: Samples, real: Real, seed: int
) -> tuple[list[tuple[Metric, Score]], list[Unavailable]]:
    name = evaluator.notation()
    try:
        evaluator.check(real)
        scores = {metric: score for _, metric, score in evaluate(fake, real, [evaluator], seed)}
    except RequestError as error:
        return [], [Unavailable(name, _reason(error, real))]
    except linalg.LinAlgError as error:
        return [], [Unavailable(name, f"the linear algebra failed ({error})")]
    declared = [(metric, scores.get(metric.name)) for metric in evaluator.metrics()]
    finite = [(metric, score) for metric, score in declared if score is not None and math.isfinite(score.value)]
    kept = {metric.name for metric, _ in finite}
    missing = ((metric.name, score) for metric, score in declared if metric.name not in kept)
    return finite, [Unavailable(f"{name}: {metric}", _no_value(score)) for metric, score in missing]


def _reason(error: RequestError, real: Real) -> str:
    if error.where == "the validation split" and not len(real.data.validation):
        return "it needs further real samples: give them with --validation"
    return "; ".join(part for part in (f"{error.where}: {error.given}", error.allowed, error.todo) if part)


def _no_value(score: Score | None) -> str:
    return "it has no value for these samples" if score is None else f"its value is {score.value}"


def _marked(score: Score, samples: ComparedSamples) -> Score:
    """The score with its reference's content in the fingerprint, and without a stderr that isn't finite."""
    if score.stderr is not None and not math.isfinite(score.stderr):
        score = replace(score, stderr=None)
    if not score.n_reference:
        return score
    return replace(score, fingerprint=score.fingerprint | {"reference": f"sha256 {samples.reference.sha256}"})
