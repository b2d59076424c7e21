"""Scores within each class of labelled samples, and their mean: `intra_fid/class 3` and `intra_fid`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Literal

import torch
from torch import Tensor

from ganbench.datasets.base import Modes, Space, SplitName
from ganbench.errors import RequestError
from ganbench.evaluators.base import (
    Evaluator,
    FeatureName,
    Metric,
    Moments,
    Networks,
    Reference,
    Score,
    View,
    class_metric,
)
from ganbench.evaluators.parts.gaussians import moments

Per = Literal["all", "class"]
VARYING_FACTS = ("generated", "subset size")  # differ between runs with the number of samples of each class


@dataclass(frozen=True, eq=False)
class Subset:
    """Some samples of a set (a `View`), with the set's own features; `name` identifies the subset."""

    whole: View
    rows: Tensor
    name: str

    @property
    def x(self) -> Tensor:
        return self.whole.x[self.rows]

    @property
    def y(self) -> Tensor | None:
        return None if self.whole.y is None else self.whole.y[self.rows]

    @property
    def device(self) -> str:
        return self.whole.device

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, n: int) -> Subset:
        return Subset(self.whole, self.rows[:n], f"{self.name}-first-{n}")

    def features(self, name: FeatureName) -> Tensor:
        return self.whole.features(name)[self.rows]

    def logits(self, name: FeatureName) -> Tensor:
        return self.whole.logits(name)[self.rows]

    def moments(self, name: FeatureName) -> Moments:
        return Moments(**self.derived(name, "moments", lambda: moments(self.features(name))._asdict()))

    def derived(self, name: FeatureName, what: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        return self.whole.derived(name, f"{what}-{self.name}", compute)

    @property
    def networks(self) -> Networks | None:
        return self.whole.networks

    def extractor(self, name: FeatureName) -> dict[str, str]:
        return self.whole.extractor(name)

    def latent_steps(self, count: int, epsilon: float) -> Iterator[tuple[View, View]]:
        return self.whole.latent_steps(count, epsilon)


@dataclass(frozen=True, eq=False)
class ClassReference:
    """The real samples of one class (a `Reference`)."""

    real: Reference
    label: int

    @property
    def space(self) -> Space:
        return self.real.space

    @property
    def modes(self) -> Modes | None:
        return None

    def split(self, name: SplitName) -> Subset:
        """The samples of the class in a split. Raises `RequestError` if the split has no labels."""
        view = self.real.split(name)
        if view.y is None:
            raise RequestError(f"the {name} split", "it has no labels", "labelled data for per: class", "use per: all")
        return class_subset(view, view.y, self.label)


def class_subset(view: View, labels: Tensor, label: int) -> Subset:
    """The samples of one class, in their order."""
    return Subset(view, torch.nonzero(labels == label).flatten().cpu(), f"class-{label}")


def metrics_per(per: Per, *metrics: Metric) -> tuple[Metric, ...]:
    """The metrics themselves, or their means over classes."""
    return tuple(replace(m, name=f"intra_{m.name}") for m in metrics) if per == "class" else metrics


def unsupported_classes(per: Per, space: Space) -> str | None:
    """Why samples of that space can't be scored per class, or None."""
    return "per: class needs data with labels of at least 2 classes" if per == "class" and space.classes < 2 else None


def check_classes(per: Per, real: Reference, check: Callable[[Reference], object]) -> None:
    """Check the real samples, or those of each class. Raises `RequestError`, which names the class."""
    if per == "all":
        check(real)
        return
    for label in range(real.space.classes):
        try:
            check(ClassReference(real, label))
        except RequestError as error:
            raise RequestError(f"class {label} of {error.where}", error.given, error.allowed, error.todo) from None


def score_classes(evaluator: Evaluator, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
    """The scores of an evaluator with `per: class`: the mean of each metric over the classes, and each class's score.

    There are none for samples without labels, which come from an unconditional network. A class with too few samples
    has no score, and then there is no mean.
    """
    if fake.y is None:
        return {}
    options: dict[str, Any] = {"per": "all"}
    within_class = replace(evaluator, **options)
    by_metric: dict[str, dict[int, Score]] = {}
    for label in range(real.space.classes):
        subset = class_subset(fake, fake.y, label)
        if within_class.unsupported(real.space, len(subset), False) is None:
            for name, score in within_class(subset, ClassReference(real, label), rng).items():
                by_metric.setdefault(f"intra_{name}", {})[label] = score
    marks = {"evaluator": evaluator.notation(), "generated": f"{len(fake)} of {real.space.classes} classes"}
    complete = {name: scores for name, scores in by_metric.items() if len(scores) == real.space.classes}
    means = {name: _mean(list(scores.values())) for name, scores in complete.items()}
    single = {class_metric(name, label): s for name, scores in by_metric.items() for label, s in scores.items()}
    return {name: _marked(score, marks) for name, score in (means | single).items()}


def _marked(score: Score, marks: dict[str, str]) -> Score:
    """The score with `marks` in place of what depends on the number of samples that each class happens to have."""
    kept = {name: text for name, text in score.fingerprint.items() if name not in VARYING_FACTS}
    return replace(score, fingerprint=kept | marks)


def _mean(scores: list[Score]) -> Score:
    """The mean score; its fingerprint holds what all scores have in common."""
    common = set.intersection(*(set(score.fingerprint.items()) for score in scores))
    shared = {name: text for name, text in scores[0].fingerprint.items() if (name, text) in common}
    counts = (sum(score.n for score in scores), sum(score.n_reference for score in scores))
    value = fmean(score.value for score in scores)
    return Score(value, None, *counts, shared)
