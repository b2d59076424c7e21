"""Every score that can be had of two sides, and the reason for every one that can't."""

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
from ganbench.samples.choice import Absent
from ganbench.samples.sources import Sides

Step = Callable[[str], None]  # told what is done next
linalg: Any = torch.linalg  # its types lack its error


@dataclass(frozen=True)
class Line:
    """One score of one evaluator."""

    evaluator: str
    metric: Metric
    score: Score


@dataclass(frozen=True)
class Card:
    """What was measured, what could not be and why, and what was measured with."""

    sides: Sides
    lines: tuple[Line, ...]
    absent: tuple[Absent, ...]


def fitting(sides: Sides, evaluators: Iterable[Evaluator]) -> tuple[tuple[Evaluator, ...], tuple[Absent, ...]]:
    """The evaluators that can score such samples, and why the others can't."""
    chosen = list(evaluators)
    modes = sides.real.modes is not None
    reasons = [evaluator.unsupported(sides.real.space, len(sides.fake), modes) for evaluator in chosen]
    pairs = list(zip(chosen, reasons, strict=True))
    absent = (Absent(evaluator.notation(), reason) for evaluator, reason in pairs if reason)
    return tuple(evaluator for evaluator, reason in pairs if not reason), tuple(absent)


def steps(evaluators: Iterable[Evaluator]) -> int:
    """How often `score` tells what it does next."""
    chosen = list(evaluators)
    return len(chosen) + len({name for evaluator in chosen for name in evaluator.needs()} - {"pixels"})


def score(sides: Sides, evaluators: Iterable[Evaluator], bank: Bank, seed: int, step: Step) -> Card:
    """Score the generated samples by evaluators that fit them. One more of them changes no number of the others."""
    chosen = list(evaluators)
    real = bank.reference(sides.real)
    fake = real.view(sides.fake.x, sides.fake.y)
    for name in dict.fromkeys(name for evaluator in chosen for name in evaluator.needs()):
        if name != "pixels":
            step(f"features {name}")
            with suppress(RequestError):  # each evaluator that needs them says so
                fake.features(name)
                real.split("test").features(name)
    lines: list[Line] = []
    absent: list[Absent] = []
    for evaluator in chosen:
        step(evaluator.notation())
        found, missing = _scored(evaluator, fake, real, seed)
        lines += [Line(evaluator.notation(), metric, _marked(one, sides)) for metric, one in found]
        absent += missing
    return Card(sides, tuple(lines), tuple(absent))


def _scored(
    evaluator: Evaluator, fake: Samples, real: Real, seed: int
) -> tuple[list[tuple[Metric, Score]], list[Absent]]:
    name = evaluator.notation()
    try:
        evaluator.check(real)
        found = {metric: one for _, metric, one in evaluate(fake, real, [evaluator], seed)}
    except RequestError as error:
        return [], [Absent(name, _told(error, real))]
    except linalg.LinAlgError as error:
        return [], [Absent(name, f"its matrices can't be worked with ({error})")]
    sound = [(m, found[m.name]) for m in evaluator.metrics() if m.name in found and math.isfinite(found[m.name].value)]
    kept = {metric.name for metric, _ in sound}
    lost = [metric.name for metric in evaluator.metrics() if metric.name not in kept]
    return sound, [Absent(f"{name}: {metric}", _why(found.get(metric))) for metric in lost]


def _told(error: RequestError, real: Real) -> str:
    if error.where == "the validation split" and not len(real.data.validation):
        return "it needs further real samples: give them with --validation"
    return "; ".join(part for part in (f"{error.where}: {error.given}", error.allowed, error.todo) if part)


def _why(score: Score | None) -> str:
    return "these samples have no such number" if score is None else f"its value is {score.value}"


def _marked(score: Score, sides: Sides) -> Score:
    """The score with its reference's content in the fingerprint; a spread that is no number is left out."""
    if score.stderr is not None and not math.isfinite(score.stderr):
        score = replace(score, stderr=None)
    if not score.n_reference:
        return score
    return replace(score, fingerprint=score.fingerprint | {"reference": f"sha256 {sides.about['reference']['sha256']}"})
