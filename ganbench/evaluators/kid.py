"""The kernel distance between two sets of features; with Inception's features it is the KID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import torch
from annotated_types import Ge
from torch import Generator, Tensor

from ganbench.component import Count
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import metrics_per
from ganbench.evaluators.parts.distances import product_dtype
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import FeatureComparison, MetricValues

ROWS = 4096  # converted to float64 at once


@dataclass(frozen=True, kw_only=True)
class KID(FeatureComparison):
    """`kid`, or `kd_pixels`, `kd_classifier`: the unbiased squared MMD with the kernel (x.y / d + 1)^3.

    It may be negative. The mean over `subsets` random subsets of `size` samples of each side (the authors: 50; later
    work: 100). `stderr` is the population standard deviation over the subsets; there is none when each subset is the
    whole set. A side with fewer samples limits the subsets' size; see the fingerprint. The real subsets are the same
    for every score. Inner products are computed in the fingerprint's `products`, sums in float64.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Binkowski et al. 2018, arXiv:1801.01401, section 4"

    subsets: Count = 100
    size: Annotated[int, Ge(2)] = 1000

    def metrics(self) -> tuple[Metric, ...]:
        return metrics_per(self.per, Metric(metric_name("kid", "kd", self.features, self.split), "lower"))

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        size = min(self.size, *sizes)
        return 8 * ((sum(sizes) + 2 * size + 2 * min(ROWS, max(sizes))) * dimensions + 4 * size**2)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        size = min(self.size, len(fake), len(reals))
        count = 1 if (whole := size == len(fake) == len(reals)) else self.subsets
        sides = [side.features(self.features).to(fake.device) for side in (fake, reals)]
        common = sides[1].mean(0)
        x, y = (centred(side, common) for side in sides)
        of_fake = subsets(len(fake), size, count, rng)
        of_real = subsets(len(reals), size, count, Generator().manual_seed(0))
        kept = reals.derived(
            self.features,
            f"kernels-{count}-{size}",
            lambda: {"sums": torch.stack([within(y.subset(rows)) for rows in of_real])},
        )
        sums = torch.stack([within(x.subset(rows)) for rows in of_fake]).cpu() + kept["sums"]
        pairs = torch.stack([across(x.subset(i), y.subset(j)) for i, j in zip(of_fake, of_real, strict=True)]).cpu()
        mmd = sums / (size * (size - 1)) - 2 * pairs / size**2
        spread = None if whole else mmd.std(correction=0).item()
        return MetricValues((mmd.mean().item(),), {"subset size": size, "products": product_dtype(len(common))}, spread)


class Centred(NamedTuple):
    """Rows x - c (n, d), their products with the common part c (d,), float64 (n,), and c itself."""

    rows: Tensor
    along: Tensor
    common: Tensor

    def subset(self, indices: Tensor) -> Centred:
        return self._replace(rows=self.rows[indices], along=self.along[indices])

    def kernel(self, products: Tensor, other: Centred) -> Tensor:
        """Of all pairs (n, m), float64, from (x - c).(y - c): x.y = (x - c).(y - c) + x.c + y.c - c.c."""
        inner = products.double().add_(self.along[:, None]).add_(other.along - self.common.square().sum())
        return inner.div_(len(self.common)).add_(1).pow_(3)


def centred(x: Tensor, common: Tensor) -> Centred:
    """Rows x (n, d) without c: float32 products of them lose little to rounding, and the rest is added in float64."""
    along = torch.cat([block.double() @ common.double() for block in torch.split(x, ROWS)])
    return Centred((x - common).to(product_dtype(x.shape[1])), along, common.double())


def subsets(n: int, size: int, count: int, rng: Generator) -> Tensor:
    """`count` random subsets of n samples, without repetition: (count, size)."""
    return torch.stack([torch.randperm(n, generator=rng)[:size].clone() for _ in range(count)])


def across(x: Centred, y: Centred) -> Tensor:
    """The sum of the kernel over all pairs of a row of x and a row of y: (), float64."""
    return x.kernel(x.rows @ y.rows.T, y).sum()


def within(x: Centred) -> Tensor:
    """The sum of the kernel over all pairs of different rows of x: (), float64."""
    return (kernel := x.kernel(x.rows @ x.rows.T, x)).sum() - kernel.trace()
