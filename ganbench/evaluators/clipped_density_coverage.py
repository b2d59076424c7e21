"""Density and coverage that are robust to outliers and calibrated: the share of samples that are good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import metrics_per
from ganbench.evaluators.parts.neighbours import Reach, balls_around, inside_of, nearest_of
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import FeatureComparison, MetricValues


@dataclass(frozen=True, kw_only=True)
class ClippedDensityCoverage(FeatureComparison):
    """`clipped_density` and `clipped_coverage`: 0.7 is the value of a set with 70% good samples and 30% bad ones.

    Density: a generated sample counts the real balls around it, k at most; balls are no larger than the median one, and
    the sum is divided by that of the real samples. Coverage: a real ball counts the generated samples in it, k at most,
    and the mean is turned into the share of good samples that has this mean in expectation. Distances are float64.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Salvy et al. 2025, arXiv:2507.01761; the first k shares as in the authors' code"

    k: Count = 5

    def metrics(self) -> tuple[Metric, ...]:
        names = ("clipped_density", "clipped_coverage")
        density, coverage = (metric_name(name, name, self.features, self.split) for name in names)
        return metrics_per(
            self.per,
            Metric(density, "higher", low=0, high=1),
            Metric(coverage, "higher", low=0, high=1, diversity=True),
        )

    @property
    def least_samples(self) -> Sizes:
        return Sizes(self.k, self.k + 1)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        whole = balls_around(reals, self.features, self.k).squares
        clipped = whole.clamp(max=median_square(whole))
        found = reals.derived(self.features, f"clipped-{self.k}", lambda: {"mean": self._among(reals, clipped)})
        counts, covering = [], torch.zeros(len(reals), dtype=torch.int64, device=fake.device)
        reaches = (Reach(clipped, border=True), Reach(whole, border=False))
        for in_clipped, in_whole in inside_of(fake, reals, self.features, reaches):
            counts.append(in_clipped.sum(1).clamp(max=self.k))
            covering += in_whole.sum(0)
        density = (torch.cat(counts).double().mean() / self.k / found["mean"].to(fake.device)).item()
        covered = covering.clamp(max=self.k).double().mean().item() / self.k
        expected = expected_coverage(self.k, len(reals), len(fake))
        share = torch.searchsorted(expected, torch.tensor(covered, dtype=torch.float64)).item() / len(expected)
        return MetricValues((min(density, 1.0), share), {"distances": "float64"})

    def _among(self, reals: View, clipped: Tensor) -> Tensor:
        """The mean count of real samples themselves, over k: each among the k nearest of the others."""
        near = nearest_of(reals, reals, self.features, self.k + 1)
        inside = near.indices[:, 1:][near.squares[:, 1:] <= clipped[:, None]]
        counts = torch.bincount(inside, minlength=len(reals)).clamp(max=self.k)
        return counts.double().mean() / self.k


def median_square(squares: Tensor) -> Tensor:
    """The square of the median distance, from squared distances (n,); that of an even number is between two."""
    ordered = squares.sort().values
    low, high = ordered[(len(squares) - 1) // 2], ordered[len(squares) // 2]
    return low if low == high else ((low.sqrt() + high.sqrt()) / 2).square()


def expected_coverage(k: int, real: int, generated: int) -> Tensor:
    """The expected mean of min(count, k) / k with m = 0 .. `generated` good samples (generated + 1,), float64.

    The count of good samples in a ball is beta-binomial with m, k and real - k; below k good samples it is taken as 0.
    """
    m = torch.arange(k, generated + 1, dtype=torch.float64)[:, None]
    j = torch.arange(k, dtype=torch.float64)
    log = (m + 1).lgamma() - (j + 1).lgamma() - (m - j + 1).lgamma() + _log_beta(k + j, real - k + m - j)
    few = (log - _log_beta(torch.tensor(float(k)), torch.tensor(float(real - k)))).exp()
    mean = 1 - (few * (k - j)).sum(1) / k
    return torch.cat([torch.zeros(k, dtype=torch.float64), mean])


def _log_beta(a: Tensor, b: Tensor) -> Tensor:
    return a.double().lgamma() + b.double().lgamma() - (a.double() + b.double()).lgamma()
