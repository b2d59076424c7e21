"""The Wasserstein distance of projections on random lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Count
from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.distances import BLOCK
from ganbench.evaluators.parts.protocol import Sizes, on_split
from ganbench.evaluators.parts.transport import line_cost, pieces
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples

COLUMNS = 8192  # dimensions that are projected at once


@dataclass(frozen=True, kw_only=True)
class SlicedWasserstein(TwoSamples):
    """`sliced_wasserstein_1` or `_2`: the p-th root of the mean of W_p^p over random directions, in float64.

    The distance on each line is exact, also for sets of different sizes. Directions are uniform on the sphere and drawn
    from the score's own stream. Images are flattened, in [0, 1].
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Rabin et al. 2011, Wasserstein barycenter and its application to texture mixing, section 2"

    p: Literal[1, 2] = 2
    projections: Count = 500
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(on_split(f"sliced_wasserstein_{self.p}", self.split), "lower", low=0),)

    @property
    def least_samples(self) -> Sizes:
        return Sizes(1, 1)

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        columns = min(COLUMNS, dimensions)
        return 8 * (self.projections * dimensions + (sum(sizes) + self.projections) * columns + 8 * max(BLOCK, *sizes))

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        x, y = (view.features("pixels") for view in (fake, reals))
        directions = torch.randn(self.projections, x.shape[1], generator=rng, dtype=torch.float64)
        directions = directions.div_(directions.norm(dim=1, keepdim=True))
        shared, size = pieces(len(x), len(y)), max(1, BLOCK // max(len(x), len(y)))
        costs = torch.empty(self.projections, dtype=torch.float64, device=fake.device)  # filled block by block
        for block, into in zip(torch.split(directions, size), torch.split(costs, size), strict=True):
            first, second = (projected(side, block, fake.device).T for side in (x, y))
            into.copy_(line_cost(first, second, self.p, shared))
        facts = {"projections": self.projections, "lines": "float64"}
        return MetricValues((costs.mean().item() ** (1 / self.p),), facts)


def projected(x: Tensor, directions: Tensor, device: str) -> Tensor:
    """The coordinates (n, k), float64, of rows x (n, d) along directions (k, d), a block of dimensions at a time."""
    blocks = zip(torch.split(x, COLUMNS, 1), torch.split(directions, COLUMNS, 1), strict=True)
    return sum((part.to(device).double() @ along.to(device).T for part, along in blocks), start=torch.zeros(()))
