"""The maximum mean discrepancy with Gaussian kernels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch

from ganbench.component import ADDED, Positive
from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import FeatureName, Metric, View
from ganbench.evaluators.parts.distances import distances_memory
from ganbench.evaluators.parts.kernels import FIRST, gaussian_sum, median_of
from ganbench.evaluators.parts.products import blocks_across, blocks_within
from ganbench.evaluators.parts.protocol import Sizes, pixel_metric
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples


@dataclass(frozen=True, kw_only=True)
class MMD(TwoSamples):
    """`mmd_squared`: the unbiased squared MMD in float64; it may be negative.

    The kernel is the mean over `bandwidths` s of exp(-||x - y||^2 / (2 s^2)). Bandwidths are multiples of the `unit`:
    the median distance between the first 1000 real samples, or 1 in the features' own units. There is no value if the
    median is 0. Pixels are flattened, in [0, 1]; with other features the name says so, `mmd_squared_dinov2`. For the
    polynomial kernel see `kid`, and for CLIP's embeddings `cmmd`.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Gretton et al. 2012, JMLR 13, eq. 3 and section 8"

    bandwidths: tuple[Positive, ...] = (0.25, 0.5, 1.0, 2.0)
    unit: Literal["median", "data"] = "median"
    split: SplitName = "test"
    features: FeatureName = field(default="pixels", metadata=ADDED)

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(pixel_metric("mmd_squared", self.features, self.split), "lower"),)

    def unsupported_options(self, samples: int) -> str | None:
        return None if self.bandwidths else "needs at least one bandwidth"

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        return distances_memory(sizes, dimensions) + 8 * FIRST * (min(FIRST, max(sizes)) + dimensions)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        unit = 1.0 if self.unit == "data" else median_of(reals, self.features)
        facts = {"unit of bandwidths": f"{unit:.6g}", "kernels": "float64"}
        if unit == 0:
            return MetricValues((None,), facts)
        widths = [unit * factor for factor in self.bandwidths]
        sides = [(len(side), gaussian_sum(blocks_within(side, self.features), widths)) for side in (fake, reals)]
        alike = sum((total - n) / n / (n - 1) for n, total in sides)
        unlike = gaussian_sum(blocks_across(fake, reals, self.features), widths) / len(fake) / len(reals)
        return MetricValues((alike - 2 * unlike,), facts)
