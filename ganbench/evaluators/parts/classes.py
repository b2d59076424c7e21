"""Scores within each class of labelled samples, and their mean: `intra_fid`, and `intra_fid/class 3`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Literal

import torch
from torch import Tensor

from ganbench.datasets.base import Modes, Space, SplitName
from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Moments, Reference, Score, View
from ganbench.features.extractor import moments

Per = Literal["all", "class"]
BY_CHANCE = ("generated", "subset size")


@dataclass(frozen=True, eq=False)
class Part:
    """Some samples of a set (a `View`), whose features are the set's own; `name` tells them from other parts."""

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

    def first(self, n: int) -> Part:
        return Part(self.whole, self.rows[:n], f"{self.name}-first-{n}")

    def features(self, name: FeatureName) -> Tensor:
        return self.whole.features(name)[self.rows]

    def logits(self, name: FeatureName) -> Tensor:
        return self.whole.logits(name)[self.rows]

    def moments(self, name: FeatureName) -> Moments:
        return Moments(**self.derived(name, "moments", lambda: moments(self.features(name))._asdict()))

    def derived(self, name: FeatureName, what: str, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        return self.whole.derived(name, f"{what}-{self.name}", compute)

    def extractor(self, name: FeatureName) -> dict[str, str]:
        return self.whole.extractor(name)


@dataclass(frozen=True, eq=False)
class OneClass:
    """The real samples of one class (a `Reference`)."""

    real: Reference
    label: int

    @property
    def space(self) -> Space:
        return self.real.space

    @property
    def modes(self) -> Modes | None:
        return None

    def split(self, name: SplitName) -> Part:
        """Raises `RequestError` where the split has no labels."""
        view = self.real.split(name)
        if view.y is None:
            raise RequestError(f"the {name} split", "it has no labels", "labelled data for per: class", "use per: all")
        return of_class(view, view.y, self.label)


def of_class(view: View, labels: Tensor, label: int) -> Part:
    """The samples of one class, in their order."""
    return Part(view, torch.nonzero(labels == label).flatten().cpu(), f"class-{label}")


def named(per: Per, *metrics: Metric) -> tuple[Metric, ...]:
    """The metrics as they are, or as the means over classes."""
    return tuple(replace(m, name=f"intra_{m.name}") for m in metrics) if per == "class" else metrics


def class_misfit(per: Per, space: Space) -> str | None:
    """Why samples of that space can't be scored per class, or None."""
    return "per: class needs data with labels of at least 2 classes" if per == "class" and space.classes < 2 else None


def check_parts(per: Per, real: Reference, check: Callable[[Reference], object]) -> None:
    """Ask whether the real side is large enough, or each class of it. Raises `RequestError`, which names the class."""
    if per == "all":
        check(real)
        return
    for label in range(real.space.classes):
        try:
            check(OneClass(real, label))
        except RequestError as error:
            raise RequestError(f"class {label} of {error.where}", error.given, error.allowed, error.todo) from None


def each_class(evaluator: Evaluator, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
    """The scores of each class by an evaluator whose option `per` is `class`, and the means where no class is missing.

    Samples without labels, of a network that isn't conditional, have none; nor has a class with too few of them.
    """
    if fake.y is None:
        return {}
    options: dict[str, Any] = {"per": "all"}
    plain = replace(evaluator, **options)
    found: dict[str, dict[int, Score]] = {}
    for label in range(real.space.classes):
        part = of_class(fake, fake.y, label)
        if plain.unsupported(real.space, len(part), False) is None:
            for name, score in plain(part, OneClass(real, label), rng).items():
                found.setdefault(f"intra_{name}", {})[label] = score
    marks = {"evaluator": evaluator.notation(), "generated": f"{len(fake)} of {real.space.classes} classes"}
    scores = {f"{name}/class {label}": one for name, each in found.items() for label, one in each.items()}
    means = {name: _mean(list(each.values())) for name, each in found.items() if len(each) == real.space.classes}
    return {name: _marked(one, marks) for name, one in (means | scores).items()}


def _marked(score: Score, marks: dict[str, str]) -> Score:
    """A fingerprint without what depends on how many samples of each class there happen to be."""
    kept = {name: text for name, text in score.fingerprint.items() if name not in BY_CHANCE}
    return replace(score, fingerprint=kept | marks)


def _mean(scores: list[Score]) -> Score:
    """Their mean; its fingerprint has what all classes have in common."""
    common = set.intersection(*(set(score.fingerprint.items()) for score in scores))
    shared = {name: text for name, text in scores[0].fingerprint.items() if (name, text) in common}
    counts = (sum(score.n for score in scores), sum(score.n_reference for score in scores))
    value = fmean(score.value for score in scores)
    return Score(value, None, *counts, shared)
