"""Improved precision and recall: the share of each side that lies within the other side's estimated manifold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators._classes import Per, check_parts, class_misfit, each_class, named
from ganbench.evaluators._neighbours import Reach, around, inside
from ganbench.evaluators._protocol import feature_misfit, fingerprint, metric_name, real_view, size_misfit
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall(Evaluator):
    """`precision`: generated samples within some real ball; `recall`: real samples within some generated ball (0..1).

    A sample's ball reaches to its k-th nearest neighbour on its own side, itself not counted, border included; float64.
    The paper takes 50,000 samples of each side and VGG-16's features: here the name says which features they are.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kynkaanniemi et al. 2019, arXiv:1904.06991, eqs. 1-2"

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    per: Per = "all"
    k: Count = 3

    def metrics(self) -> tuple[Metric, ...]:
        names = [metric_name(name, name, self.features, self.split) for name in ("precision", "recall")]
        return named(self.per, *(Metric(name, "higher", low=0, high=1) for name in names))

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def misfit(self, space: Space, samples: int, modes: bool) -> str | None:
        if samples <= self.k:
            return f"needs more samples than k ({self.k})"
        return (
            size_misfit(self.k + 1, samples, self.reference)
            or feature_misfit(self.features, space)
            or class_misfit(self.per, space)
        )

    def check(self, real: Reference) -> None:
        check_parts(self.per, real, self._reals)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if self.per == "class":
            return each_class(self, fake, real, rng)
        reals = self._reals(real)
        own, others = (around(side, self.features, self.k) for side in (fake, reals))
        reaches = (Reach(others.squares, border=True), Reach(own.squares[:, None], border=True))
        covered, recalled = [], torch.zeros(len(reals), dtype=torch.bool, device=fake.device)
        for in_real, in_fake in inside(own.centres, others.centres, reaches, fake.device):
            covered.append(in_real.any(1))
            recalled |= in_fake.any(0)
        values = [side.double().mean().item() for side in (torch.cat(covered), recalled)]
        facts = {"generated": len(fake), "real": len(reals), "split": self.split, "distances": "float64"}
        marks = fingerprint(self, **fake.extractor(self.features), **facts)
        scores = [Score(value, None, len(fake), len(reals), marks) for value in values]
        return {metric.name: score for metric, score in zip(self.metrics(), scores, strict=True)}

    def _reals(self, real: Reference) -> View:
        return real_view(real, self.split, self.reference, least=self.k + 1)
