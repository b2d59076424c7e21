"""The kernel distance between two sets of features; with Inception's features it is the KID."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Generator, Tensor

from ganbench.component import Count
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import metrics_per
from ganbench.evaluators.parts.cubic import ROWS, cubic_kernel
from ganbench.evaluators.parts.products import are_wide, products_memory
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import FeatureComparison, MetricValues


@dataclass(frozen=True, kw_only=True)
class KID(FeatureComparison):
    """`kid`, or `kd_pixels`, `kd_classifier`: the unbiased squared MMD with the kernel (x.y / d + 1)^3.

    It may be negative. The mean over `subsets` random subsets of `size` samples of each side (the authors: 50; later
    work: 100). `stderr` is the population standard deviation over the subsets; there is none when each subset is the
    whole set. A side with fewer samples limits the subsets' size; see the fingerprint. The real subsets are the same
    for every score. Inner products are computed in the fingerprint's `products`, sums in float64.
    """

    version: ClassVar[int] = 3
    source: ClassVar[str] = "Binkowski et al. 2018, arXiv:1801.01401, section 4"

    subsets: Count = 100
    size: Annotated[int, Ge(2)] = 1000

    def metrics(self) -> tuple[Metric, ...]:
        return metrics_per(self.per, Metric(metric_name("kid", "kd", self.features, self.split), "lower"))

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        size = min(self.size, *sizes)
        if are_wide(sum(sizes), dimensions):
            return products_memory(sum(sizes))
        return 8 * ((sum(sizes) + 2 * size + 2 * min(ROWS, max(sizes))) * dimensions + 4 * size**2)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        size = min(self.size, len(fake), len(reals))
        count = 1 if (whole := size == len(fake) == len(reals)) else self.subsets
        kernel = cubic_kernel(fake, reals, self.features)
        of_fake = subsets(len(fake), size, count, rng)
        of_real = subsets(len(reals), size, count, Generator().manual_seed(0))
        kept = reals.derived(
            self.features,
            f"kernels-{count}-{size}-{kernel.dtype}",
            lambda: {"sums": torch.stack([kernel.in_y(rows) for rows in of_real])},
        )
        sums = torch.stack([kernel.in_x(rows) for rows in of_fake]).cpu() + kept["sums"]
        pairs = torch.stack([kernel.between(i, j) for i, j in zip(of_fake, of_real, strict=True)]).cpu()
        mmd = sums / (size * (size - 1)) - 2 * pairs / size**2
        spread = None if whole else mmd.std(correction=0).item()
        return MetricValues((mmd.mean().item(),), {"subset size": size, "products": kernel.dtype}, spread)


def subsets(n: int, size: int, count: int, rng: Generator) -> Tensor:
    """`count` random subsets of n samples, without repetition: (count, size)."""
    return torch.stack([torch.randperm(n, generator=rng)[:size].clone() for _ in range(count)])
