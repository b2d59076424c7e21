"""The Monge-Inception distance: the sliced Wasserstein distance of features, in the units of the FID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import metrics_per
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.transport import random_directions, sliced_costs, sliced_memory
from ganbench.evaluators.parts.two_samples import FeatureComparison, MetricValues


@dataclass(frozen=True, kw_only=True)
class MIND(FeatureComparison):
    """`mind`, or `mind_pixels`: 3 d times the mean of W_2^2 over random directions, d the features' dimension.

    Directions are uniform on the sphere and drawn from the score's own stream. Sets of one size are compared by
    sorting, as in the paper, and others exactly, by their quantile functions. The paper uses 1,000 to 5,000 samples.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Berthet et al. 2026, arXiv:2605.06797; the scale 3 d as in torch-fidelity"

    projections: Count = 1000

    def metrics(self) -> tuple[Metric, ...]:
        return metrics_per(self.per, Metric(metric_name("mind", "mind", self.features, self.split), "lower", low=0))

    @property
    def least_samples(self) -> Sizes:
        return Sizes(1, 1)

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        return sliced_memory(sizes, dimensions, self.projections)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        x, y = (view.features(self.features) for view in (fake, reals))
        costs = sliced_costs(x, y, 2, random_directions(self.projections, x.shape[1], rng), fake.device)
        facts = {"projections": self.projections, "lines": "float64"}
        return MetricValues((3 * x.shape[1] * costs.mean().item(),), facts)
