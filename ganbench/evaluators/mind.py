"""The Monge-Inception distance: the sliced Wasserstein distance of features, in the units of the FID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ganbench.component import Count
from ganbench.evaluators.base import Metric
from ganbench.evaluators.parts.classes import metrics_per
from ganbench.evaluators.parts.protocol import metric_name
from ganbench.evaluators.parts.sliced import SlicedComparison
from ganbench.evaluators.parts.two_samples import FeatureComparison


@dataclass(frozen=True, kw_only=True)
class MIND(FeatureComparison, SlicedComparison):
    """`mind`, or `mind_pixels`: 3 d times the mean of W_2^2 over random directions, d the features' dimension.

    Directions are uniform on the sphere and drawn from the score's own stream. Sets of one size are compared by
    sorting, as in the paper, and others exactly, by their quantile functions. The paper uses 1,000 to 5,000 samples.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Berthet et al. 2026, arXiv:2605.06797; the scale 3 d as in torch-fidelity"

    projections: Count = 1000

    def metrics(self) -> tuple[Metric, ...]:
        return metrics_per(self.per, Metric(metric_name("mind", "mind", self.features, self.split), "lower", low=0))

    def distance(self, costs: Tensor, dimensions: int) -> float:
        return 3 * dimensions * costs.mean().item()
