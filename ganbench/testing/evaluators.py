"""The contract of evaluators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import get_args

from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import KNOWN, Evaluator, Metric, Reference, Score, View, declared_metric, is_file
from ganbench.rng import stream
from ganbench.testing.claim import claim, same


def check_evaluator(evaluator: Evaluator, fake: View, real: Reference) -> dict[str, Score]:
    """Check that scores are declared, within bounds, repeatable and fully fingerprinted, and that inputs don't change.

    `ganbench.features.bank.Bank(cache).reference(data)` makes both arguments. Returns the scores.
    """
    name = evaluator.notation()
    unsupported = evaluator.unsupported(real.space, len(fake), real.modes is not None)
    claim(unsupported is None, f"{name} doesn't fit: {unsupported}")
    unknown = [feature for feature in evaluator.needs() if feature not in KNOWN and not is_file(feature)]
    claim(not unknown, f"{name} needs unknown features: {unknown}")
    sets = [fake.x, *(real.split(split).x for split in get_args(SplitName))]
    before = [x.clone() for x in sets]
    first, again = (evaluator(fake, real, stream(0, "check")) for _ in range(2))
    claim(same(sets, before), f"{name} changes its inputs")
    claim(first == again, f"{name} gives other numbers for the same seed")
    most = math.inf if evaluator.reads_networks else len(fake)
    for metric, declared in check_names(evaluator, first).items():
        check_score(first[metric], declared, most, f"{name}: {metric}")
    return first


def check_names(evaluator: Evaluator, scores: Mapping[str, Score]) -> dict[str, Metric]:
    """Every reported name is declared, and none is declared twice; the declared metric of each."""
    name = evaluator.notation()
    declared = {metric.name: metric for metric in evaluator.metrics()}
    claim(len(declared) == len(evaluator.metrics()), f"{name} declares a metric twice")
    claim(isinstance(scores, Mapping), f"{name} gives a {type(scores).__name__}, not its scores by name")
    owners = {metric: declared_metric(metric) for metric in scores}
    undeclared = sorted(metric for metric, owner in owners.items() if owner not in declared)
    claim(not undeclared, f"{name} reports {undeclared}, not declared; it declares {sorted(declared)}")
    return {metric: declared[owner] for metric, owner in owners.items()}


def check_number(score: Score, metric: Metric, where: str) -> None:
    """A real number, within the metric's bounds if it is finite."""
    claim(isinstance(score, Score), f"{where} is a {type(score).__name__}, not a Score")
    real = isinstance(score.value, Real) and not isinstance(score.value, bool)
    claim(real, f"{where} is a {type(score.value).__name__}, not a number; call `float(...)` or `.item()`")
    inside = not math.isfinite(score.value) or metric.low <= score.value <= metric.high
    claim(inside, f"{where} = {score.value} is not in [{metric.low}, {metric.high}], the bounds that it declares")


def check_score(score: Score, metric: Metric, n: float, where: str) -> None:
    """A finite number within the metric's bounds, with its sample sizes and a fingerprint of texts."""
    claim(type(score.value) is float and math.isfinite(score.value), f"{where} is {score.value!r}")
    claim(metric.low <= score.value <= metric.high, f"{where} = {score.value} is not in [{metric.low}, {metric.high}]")
    spread = score.stderr
    claim(spread is None or (type(spread) is float and spread >= 0), f"{where}: its stderr is {spread!r}")
    claim(0 < score.n <= n and score.n_reference >= 0, f"{where}: n {score.n}, n_reference {score.n_reference}")
    texts = [text for pair in score.fingerprint.items() for text in pair]
    complete = texts and all(type(text) is str and text for text in texts)
    claim(complete, f"{where}: its fingerprint is not made of texts: {score.fingerprint}")
