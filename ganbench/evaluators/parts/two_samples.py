"""What evaluators have in common that compare features of generated samples with those of real ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Reference, Score, View
from ganbench.evaluators.parts.classes import Per, check_parts, class_misfit, each_class
from ganbench.evaluators.parts.protocol import Least, feature_misfit, fingerprint, real_view, size_misfit


class Found(NamedTuple):
    """The values of an evaluator's metrics in their order, their standard error, and how they were worked out."""

    values: tuple[float, ...]
    facts: Mapping[str, object]
    stderr: float | None = None


@dataclass(frozen=True, kw_only=True)
class TwoSamples(Evaluator):
    """A comparison of all generated samples with real ones; with `per: class` within each class, and the mean of these.

    `reference`: the first so many real samples of `split`; None takes all.
    """

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    per: Per = "all"

    @abstractmethod
    def compare(self, fake: View, reals: View, rng: torch.Generator) -> Found:
        """The values for at least so many samples as `least` says."""

    @property
    def least(self) -> Least:
        """How many samples it needs; two of each side unless it says otherwise."""
        return Least(2, 2)

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        return (
            size_misfit(self.least, samples, self.reference)
            or feature_misfit(self.features, space)
            or class_misfit(self.per, space)
        )

    def check(self, real: Reference) -> None:
        check_parts(self.per, real, self._reals)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if self.per == "class":
            return each_class(self, fake, real, rng)
        reals = self._reals(real)
        values, facts, stderr = self.compare(fake, reals, rng)
        sets = {"generated": len(fake), "real": len(reals), "split": self.split}
        marks = fingerprint(self, **fake.extractor(self.features), **sets, **facts)
        scores = (Score(value, stderr, len(fake), len(reals), marks) for value in values)
        return {metric.name: score for metric, score in zip(self.metrics(), scores, strict=True)}

    def _reals(self, real: Reference) -> View:
        return real_view(real, self.split, self.reference, self.least.real)
