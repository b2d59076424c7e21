"""Density and coverage: how many generated samples the real balls contain, and the share of balls that contain any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import metrics_per
from ganbench.evaluators.parts.neighbours import Reach, balls_around, inside_of
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import FeatureComparison, MetricValues

POINTS = "are points, because real samples are repeated: without their border they contain no sample"


@dataclass(frozen=True, kw_only=True)
class DensityCoverage(FeatureComparison):
    """`density`: mean number of real balls around a generated sample, over k; `coverage`: share of balls with a sample.

    A ball reaches from a real sample to its k-th nearest real neighbour, border excluded; float64. A perfect generator
    has density 1 on average and, with many samples, coverage 1 - 2^-k (0.969 for k = 5). Density may exceed 1.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Naeem et al. 2020, arXiv:2002.09797, eqs. 5-6"

    k: Count = 5

    def metrics(self) -> tuple[Metric, ...]:
        return metrics_per(
            self.per,
            Metric(metric_name("density", "density", self.features, self.split), "higher", low=0),
            Metric(
                metric_name("coverage", "coverage", self.features, self.split),
                "higher",
                low=0,
                high=1,
                diversity=True,
                unit="share of real samples",
            ),
        )

    @property
    def least_samples(self) -> Sizes:
        return Sizes(1, self.k + 1)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        squares = balls_around(reals, self.features, self.k).squares
        pairs, covered = 0, torch.zeros(len(reals), dtype=torch.bool, device=fake.device)
        for (in_real,) in inside_of(fake, reals, self.features, [Reach(squares, border=False)]):
            pairs += int(in_real.count_nonzero())
            covered |= in_real.any(0)
        values = (pairs / (self.k * len(fake)), covered.double().mean().item())
        points = int((squares == 0).count_nonzero())
        note = {"note": f"{points} of {len(reals)} real balls {POINTS}"} if points else {}
        return MetricValues(values, {"distances": "float64"} | note)
