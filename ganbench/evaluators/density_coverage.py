"""Density and coverage: how crowded with generated samples the real balls are, and how many of them hold one."""

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
class DensityCoverage(Evaluator):
    """`density`: in how many real balls a generated sample lies, over k; `coverage`: real balls that hold one (0..1).

    A ball reaches from a real sample to its k-th nearest real neighbour, border left out; float64. A perfect generator
    has density 1 on average, and coverage 1 - 2^-k of many samples (0.969 for k = 5); density may be above 1.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Naeem et al. 2020, arXiv:2002.09797, eqs. 5-6"

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    per: Per = "all"
    k: Count = 5

    def metrics(self) -> tuple[Metric, ...]:
        return named(
            self.per,
            Metric(metric_name("density", "density", self.features, self.split), "higher", low=0),
            Metric(metric_name("coverage", "coverage", self.features, self.split), "higher", low=0, high=1),
        )

    def needs(self) -> tuple[FeatureName, ...]:
        return (self.features,)

    def misfit(self, space: Space, samples: int, modes: bool) -> str | None:
        if self.reference is not None and self.reference <= self.k:
            return f"needs a reference of more samples than k ({self.k})"
        return (
            size_misfit(1, samples, self.reference)
            or feature_misfit(self.features, space)
            or class_misfit(self.per, space)
        )

    def check(self, real: Reference) -> None:
        check_parts(self.per, real, self._reals)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        if self.per == "class":
            return each_class(self, fake, real, rng)
        reals = self._reals(real)
        centres, squares = around(reals, self.features, self.k)
        pairs, covered = 0, torch.zeros(len(reals), dtype=torch.bool, device=fake.device)
        for (in_real,) in inside(fake.features(self.features), centres, [Reach(squares, border=False)], fake.device):
            pairs += int(in_real.count_nonzero())
            covered |= in_real.any(0)
        values = (pairs / (self.k * len(fake)), covered.double().mean().item())
        facts = {"generated": len(fake), "real": len(reals), "split": self.split, "distances": "float64"}
        marks = fingerprint(self, **fake.extractor(self.features), **facts)
        scores = [Score(value, None, len(fake), len(reals), marks) for value in values]
        return {metric.name: score for metric, score in zip(self.metrics(), scores, strict=True)}

    def _reals(self, real: Reference) -> View:
        return real_view(real, self.split, self.reference, least=self.k + 1)
