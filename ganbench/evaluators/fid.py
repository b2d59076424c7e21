"""The Frechet distance between two sets of features; with Inception's features it is the FID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import metrics_per
from ganbench.evaluators.parts.gaussians import frechet_memory, frechet_of
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import FeatureComparison, MetricValues


@dataclass(frozen=True, kw_only=True)
class FID(FeatureComparison):
    """`fid`, or `fd_pixels`, `fd_classifier`: ||m1 - m2||^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), covariances with n - 1.

    `reference`: how many real samples are used, the first ones of `split`; None: all. 10,000 samples or more are
    customary, and covariances of full rank need more samples than the features have dimensions.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Heusel et al. 2017, arXiv:1706.08500, eq. 6; by the covariances' factors"

    def metrics(self) -> tuple[Metric, ...]:
        return metrics_per(self.per, Metric(metric_name("fid", "fd", self.features, self.split), "lower", low=0))

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        return frechet_memory(sizes, dimensions)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        return MetricValues(tuple(frechet_of(fake, reals, self.features)), {"statistics": "float64"})
