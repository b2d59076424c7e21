"""The Frechet distance extrapolated to infinitely many generated samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Count, Fraction
from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import FeatureName, Metric, View
from ganbench.evaluators.parts.gaussians import frechet_memory, frechet_of
from ganbench.evaluators.parts.products import are_wide
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples


@dataclass(frozen=True, kw_only=True)
class FIDInfinity(TwoSamples):
    """`fid_infinity`, or `fd_infinity_pixels`: the intercept of a line fitted to the FID over 1/n.

    The FID is computed for `points` sizes, evenly spaced from the share `least` of the samples to all of them, each on
    a random subset (the paper: 15 from 5,000 to 50,000). This removes the bias that comes from the number of generated
    samples. The bias of the real side stays: compare values with the same reference only. A value near zero may be
    negative by chance. The smallest subset should exceed the features' dimension, or the FID isn't linear in 1/n.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Chong & Forsyth 2020, arXiv:1911.07023, section 3; random subsets"

    features: FeatureName = "inception"
    split: SplitName = "test"
    reference: Count | None = None
    points: Count = 15
    least: Fraction = 0.1

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(metric_name("fid_infinity", "fd_infinity", self.features, self.split), "lower"),)

    def unsupported_options(self, samples: int) -> str | None:
        sizes = self._sizes(samples)
        if sizes[0] < 2 or sizes[0] == sizes[-1]:
            return "needs subsets of at least 2 samples and of at least 2 sizes: use more samples or change `least`"
        return None

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        subset = 0 if are_wide(sum(sizes), dimensions) else 4 * sizes.generated * dimensions
        return frechet_memory(sizes, dimensions) + subset

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        sizes = self._sizes(len(fake))
        subsets = [torch.randperm(len(fake), generator=rng)[:size] for size in sizes]
        values = torch.tensor(frechet_of(fake, reals, self.features, subsets), dtype=torch.float64)
        facts = {"smallest set": sizes[0], "statistics": "float64"}
        return MetricValues((at_infinity(torch.tensor(sizes), values),), facts)

    def _sizes(self, samples: int) -> list[int]:
        return torch.linspace(self.least * samples, samples, self.points, dtype=torch.float64).round().int().tolist()


def at_infinity(sizes: Tensor, values: Tensor) -> float:
    """The value at 1 / sizes = 0 of the least-squares line of values (n,) over 1 / sizes (n,)."""
    x = 1 / sizes.double()
    slope = ((x - x.mean()) * (values - values.mean())).sum() / (x - x.mean()).square().sum()
    return (values.mean() - slope * x.mean()).item()
