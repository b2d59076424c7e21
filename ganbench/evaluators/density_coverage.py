"""Density and coverage: how crowded with generated samples the real balls are, and how many of them hold one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import named
from ganbench.evaluators.parts.neighbours import Reach, around, inside
from ganbench.evaluators.parts.protocol import Least, metric_name
from ganbench.evaluators.parts.two_samples import Found, TwoSamples


@dataclass(frozen=True, kw_only=True)
class DensityCoverage(TwoSamples):
    """`density`: in how many real balls a generated sample lies, over k; `coverage`: real balls that hold one (0..1).

    A ball reaches from a real sample to its k-th nearest real neighbour, border left out; float64. A perfect generator
    has density 1 on average, and coverage 1 - 2^-k of many samples (0.969 for k = 5); density may be above 1.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Naeem et al. 2020, arXiv:2002.09797, eqs. 5-6"

    k: Count = 5

    def metrics(self) -> tuple[Metric, ...]:
        return named(
            self.per,
            Metric(metric_name("density", "density", self.features, self.split), "higher", low=0),
            Metric(metric_name("coverage", "coverage", self.features, self.split), "higher", low=0, high=1),
        )

    @property
    def least(self) -> Least:
        return Least(1, self.k + 1)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> Found:
        centres, squares = around(reals, self.features, self.k)
        pairs, covered = 0, torch.zeros(len(reals), dtype=torch.bool, device=fake.device)
        for (in_real,) in inside(fake.features(self.features), centres, [Reach(squares, border=False)], fake.device):
            pairs += int(in_real.count_nonzero())
            covered |= in_real.any(0)
        values = (pairs / (self.k * len(fake)), covered.double().mean().item())
        return Found(values, {"distances": "float64"})
