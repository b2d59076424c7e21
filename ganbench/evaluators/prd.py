"""Precision and recall of distributions: the curve over clusters of both sides, in two numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import FeatureName, Metric, View
from ganbench.evaluators.parts.kmeans import assign, k_means, k_means_memory
from ganbench.evaluators.parts.products import are_wide, coordinates, products_memory
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples

EDGE = 1e-10  # radians between the curve's first and last angle and the ends of its range


@dataclass(frozen=True, kw_only=True)
class PRD(TwoSamples):
    """`prd_f8`: the largest F-score of the curve with recall weighted by 8; `prd_f1_8`: with precision weighted by 8.

    Both are in 0..1. The first n samples of each side, n being the size of the smaller side, are clustered together by
    k-means. The curve of `angles` points compares the clusters' shares; it is the mean over `repeats` clusterings.
    """

    version: ClassVar[int] = 3
    source: ClassVar[str] = "Sajjadi et al. 2018, arXiv:1806.00035, section 3 and eq. 7; k-means++ and Lloyd"

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    clusters: Count = 20
    angles: Count = 1001
    repeats: Count = 10

    def metrics(self) -> tuple[Metric, ...]:
        names = [metric_name(name, name, self.features, self.split) for name in ("prd_f8", "prd_f1_8")]
        return tuple(Metric(name, "higher", low=0, high=1) for name in names)

    @property
    def least_samples(self) -> Sizes:
        return Sizes(self.clusters, self.clusters)

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        rows = 2 * min(sizes)
        if are_wide(rows, dimensions):
            return products_memory(rows) + k_means_memory(rows, self.clusters, rows) + 8 * 4 * rows**2
        return k_means_memory(rows, self.clusters, dimensions) + 4 * rows * dimensions

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        n = min(len(fake), len(reals))
        sides = (fake.first(n), reals.first(n))
        x, y = (side.features(self.features) for side in sides)
        rows = coordinates(*sides, self.features) if are_wide(2 * n, x.shape[1]) else torch.cat([x, y])
        curves = []
        for _ in range(self.repeats):
            labels = assign(rows, k_means(rows, self.clusters, rng), fake.device)
            shares = [torch.bincount(side, minlength=self.clusters) / n for side in torch.split(labels, n)]
            curves.append(curve(fake=shares[0], real=shares[1], angles=self.angles))
        precision, recall = torch.stack(curves).mean(0)
        values = (f_score(precision, recall, 8), f_score(precision, recall, 1 / 8))
        return MetricValues(values, {"clustering": "float64"}, used=Sizes(n, n))


def curve(*, fake: Tensor, real: Tensor, angles: int) -> Tensor:
    """Precision and recall (2, angles) of two discrete distributions (k,) at slopes from near 0 to near infinity."""
    slopes = torch.linspace(EDGE, math.pi / 2 - EDGE, angles, dtype=torch.float64).tan()[:, None]
    precision = torch.minimum(real.double() * slopes, fake.double()).sum(1)
    return torch.stack([precision, precision / slopes[:, 0]]).clamp(0, 1)


def f_score(precision: Tensor, recall: Tensor, beta: float) -> float:
    """The largest F_beta = (1 + beta^2) p r / (beta^2 p + r) on a curve."""
    scores = (1 + beta**2) * precision * recall / (beta**2 * precision + recall).clamp(min=EDGE)
    return scores.max().item()
