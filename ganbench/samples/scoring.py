"""All available scores of generated samples against a reference, and the reason for each that isn't available."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from ganbench.evaluators.base import Evaluator, Metric, Score
from ganbench.evaluators.parts.statistics import STATISTICS
from ganbench.features.bank import Real
from ganbench.features.memory import unfit
from ganbench.features.scoring import AbsentScore, score_all
from ganbench.samples.choice import Unavailable
from ganbench.samples.sources import ComparedSamples

NETWORKS = "it reads the networks of a run in training: name it under `evaluate: with` of a suite"
ShowStep = Callable[[str], None]  # called with the name of each step before it starts


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
    reasons = [
        NETWORKS if evaluator.reads_networks else evaluator.unsupported(samples.real.space, len(samples.fake), modes)
        for evaluator in chosen
    ]
    judged = list(zip(chosen, reasons, strict=True))
    absent = (Unavailable(evaluator.notation(), reason) for evaluator, reason in judged if reason)
    return tuple(evaluator for evaluator, reason in judged if not reason), tuple(absent)


def count_steps(evaluators: Iterable[Evaluator]) -> int:
    """The number of steps that `score_samples` shows."""
    chosen = list(evaluators)
    return len(chosen) + len({name for evaluator in chosen for name in evaluator.needs()} - {"pixels"})


def score_samples(
    samples: ComparedSamples, evaluators: Iterable[Evaluator], real: Real, seed: int, step: ShowStep
) -> ScoreSheet:
    """The scores by evaluators that support the samples. Adding an evaluator doesn't change another's numbers.

    `real`: `samples.real` in a bank, which computes its features once.
    """
    chosen = list(evaluators)
    fake = real.view(samples.fake.x, samples.fake.y, samples.steps)
    too_large = unfit(chosen, len(fake), real)
    fitting = [evaluator for evaluator in chosen if evaluator.notation() not in too_large]
    for name in dict.fromkeys(name for evaluator in fitting for name in evaluator.needs()):
        if name != "pixels":
            step(f"features {name}")
            with suppress(Exception):  # reported by each evaluator that needs them
                fake.features(name)
                real.split("test").features(name)
    scoring = score_all(fake, real, chosen, seed, step)
    found = {(evaluator.notation(), name): score for evaluator, name, score in scoring.scores}
    declared = ((evaluator.notation(), metric) for evaluator in chosen for metric in evaluator.metrics())
    lines = [
        ScoreLine(name, metric, _marked(found[name, metric.name], samples))
        for name, metric in declared
        if (name, metric.name) in found
    ]
    return ScoreSheet(samples, tuple(lines), tuple(_unavailable(absent, real) for absent in scoring.absent))


def _unavailable(absent: AbsentScore, real: Real) -> Unavailable:
    name = absent.evaluator.notation() + (f": {absent.metric}" if absent.metric else "")
    if absent.because.startswith("the validation split:") and not len(real.data.validation):
        return Unavailable(name, "it needs further real samples: give them with --validation")
    return Unavailable(name, absent.because)


def _marked(score: Score, samples: ComparedSamples) -> Score:
    """The score with its reference's content in the fingerprint."""
    if not score.n_reference and score.fingerprint.get("real") != STATISTICS:
        return score
    return replace(score, fingerprint=score.fingerprint | {"reference": f"sha256 {samples.reference.sha256}"})
