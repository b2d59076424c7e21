"""The exact Wasserstein distance between two sets of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.products import are_wide, blocks_across
from ganbench.evaluators.parts.protocol import Sizes, on_split
from ganbench.evaluators.parts.transport import line_cost, pieces
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples


@dataclass(frozen=True, kw_only=True)
class Wasserstein(TwoSamples):
    """`wasserstein_1` or `wasserstein_2`: W_p with Euclidean distances, by optimal assignment of samples; float64.

    The first n samples of each side are assigned, n being the size of the smaller side, at most `limit`. 2,000 samples
    take about a second; twice as many take eight times as long and 128 MB for their distances. Numbers on a line are
    sorted instead, all of them. In more than a few dimensions the distance is far above zero even between two sets of
    real samples: compare with that value.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kantorovich 1942; Crouse 2016 for the assignment, through scipy"
    libraries: ClassVar[tuple[str, ...]] = ("scipy",)

    p: Literal[1, 2] = 1
    limit: Count = 2000
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(on_split(f"wasserstein_{self.p}", self.split), "lower", low=0),)

    @property
    def least_samples(self) -> Sizes:
        return Sizes(1, 1)

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        pairs = 0 if dimensions == 1 else min(self.limit, *sizes) ** 2
        return 8 * (sum(sizes) * (dimensions + 4) + 3 * pairs)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        from scipy.optimize import linear_sum_assignment

        x, y = (view.features("pixels") for view in (fake, reals))
        if x.shape[1] == 1:
            cost = line_cost(x.double().T, y.double().T, self.p, pieces(len(x), len(y))).item()
            used = Sizes(len(x), len(y))
        else:
            n = min(len(x), len(y), self.limit)
            used = Sizes(n, n)
            distances = pairwise(fake.first(n), reals.first(n))
            rows, columns = linear_sum_assignment(distances.pow(self.p).numpy())
            exact = torch.cat([apart(x[i : i + 1], y[j : j + 1])[0] for i, j in zip(rows, columns, strict=True)])
            cost = float(exact.pow(self.p).numpy().mean())
        return MetricValues((cost ** (1 / self.p),), {"distances": "float64"}, used=used)


def pairwise(fake: View, reals: View) -> Tensor:
    """The distances (n, m) between the samples of two sets; those of wide samples are rounded near 0."""
    x, y = (view.features("pixels") for view in (fake, reals))
    if are_wide(len(x) + len(y), x.shape[1]):
        return torch.cat([block.squares.sqrt() for block in blocks_across(fake, reals, "pixels")])
    return apart(x, y)


def apart(x: Tensor, y: Tensor) -> Tensor:
    """The distances (n, m) of rows x (n, d) and y (m, d) without rounding by inner products."""
    return torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist")
