"""The maximum mean discrepancy with Gaussian kernels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Positive
from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.distances import Block, distances_memory
from ganbench.evaluators.parts.products import are_wide, blocks_across, blocks_within, within
from ganbench.evaluators.parts.protocol import Sizes, on_split
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples

FIRST = 1000  # real samples from which the median distance is computed


@dataclass(frozen=True, kw_only=True)
class MMD(TwoSamples):
    """`mmd_squared`: the unbiased squared MMD in float64; it may be negative.

    The kernel is the mean over `bandwidths` s of exp(-||x - y||^2 / (2 s^2)). Bandwidths are multiples of the `unit`:
    the median distance between the first 1000 real samples, or 1 in the data's own units. There is no value if the
    median is 0. Images are flattened, in [0, 1]; for the polynomial kernel on features see `kid`.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Gretton et al. 2012, JMLR 13, eq. 3 and section 8"

    bandwidths: tuple[Positive, ...] = (0.25, 0.5, 1.0, 2.0)
    unit: Literal["median", "data"] = "median"
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(on_split("mmd_squared", self.split), "lower"),)

    def unsupported_options(self, samples: int) -> str | None:
        return None if self.bandwidths else "needs at least one bandwidth"

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        return distances_memory(sizes, dimensions) + 8 * FIRST * (min(FIRST, max(sizes)) + dimensions)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        unit = 1.0 if self.unit == "data" else median_of(reals)
        facts = {"unit of bandwidths": f"{unit:.6g}", "kernels": "float64"}
        if unit == 0:
            return MetricValues((None,), facts)
        widths = [unit * factor for factor in self.bandwidths]
        sides = [(len(side), kernel_sum(blocks_within(side, "pixels"), widths)) for side in (fake, reals)]
        alike = sum((total - n) / n / (n - 1) for n, total in sides)
        unlike = kernel_sum(blocks_across(fake, reals, "pixels"), widths) / len(fake) / len(reals)
        return MetricValues((alike - 2 * unlike,), facts)


def kernel_sum(distances: Iterable[Block], widths: list[float]) -> float:
    """The sum of the mean kernel over all pairs; a sample paired with itself counts 1."""
    total = sum((block.squares * (-0.5 / s**2)).exp_().sum().item() for block in distances for s in widths)
    return total / len(widths)


def median_distance(x: Tensor) -> float:
    """The median Euclidean distance between two different samples of x (n, d)."""
    return torch.pdist(x.double()).median().item()


def median_of(reals: View) -> float:
    """The median distance between the first 1000 samples."""
    x = reals.features("pixels")[:FIRST]
    if not are_wide(2 * len(reals), x.shape[1]):
        return median_distance(x)
    squares = within(reals, "pixels").squares[: len(x), : len(x)]
    return squares[tuple(torch.triu_indices(len(x), len(x), 1))].median().sqrt().item()
