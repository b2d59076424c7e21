"""The maximum mean discrepancy with Gaussian kernels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Positive
from ganbench.datasets.base import Space, SplitName
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.parts.distances import square_distances
from ganbench.evaluators.parts.protocol import fingerprint, on_split, real_view

FIRST = 1000  # real samples whose distances' median is taken


@dataclass(frozen=True, kw_only=True)
class MMD(Evaluator):
    """`mmd_squared`: the unbiased squared MMD in float64; it may be negative.

    The kernel is the mean over `bandwidths` s of exp(-||x - y||^2 / (2 s^2)). Bandwidths are multiples of the `unit`:
    the median distance between the first 1000 real samples, or 1 in the data's own units. Absent where that median is
    0. Images are flattened, in [0, 1]; the polynomial kernel on features is `kid`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Gretton et al. 2012, JMLR 13, eq. 3 and section 8"

    bandwidths: tuple[Positive, ...] = (0.25, 0.5, 1.0, 2.0)
    unit: Literal["median", "data"] = "median"
    split: SplitName = "test"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(on_split("mmd_squared", self.split), "lower"),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ("pixels",)

    def unsupported(self, space: Space, samples: int, modes: bool) -> str | None:
        if not self.bandwidths:
            return "needs a bandwidth at least"
        return "needs at least 2 samples" if samples < 2 else None

    def check(self, real: Reference) -> None:
        real_view(real, self.split, None, least=2)

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        x, y = (view.features("pixels") for view in (fake, real_view(real, self.split, None, least=2)))
        unit = 1.0 if self.unit == "data" else median_distance(y[:FIRST])
        if unit == 0:
            return {}
        widths = [unit * factor for factor in self.bandwidths]
        within = [(kernel_sum(one, one, widths, fake.device) - len(one)) / len(one) / (len(one) - 1) for one in (x, y)]
        across = kernel_sum(x, y, widths, fake.device) / len(x) / len(y)
        facts = {"generated": len(x), "real": len(y), "split": self.split, "unit of bandwidths": f"{unit:.6g}"}
        marks = fingerprint(self, **fake.extractor("pixels"), **facts, kernels="float64")
        return {self.metrics()[0].name: Score(sum(within) - 2 * across, None, len(x), len(y), marks)}


def kernel_sum(x: Tensor, y: Tensor, widths: list[float], device: str) -> float:
    """The sum over all pairs of the mean kernel; a sample with itself counts 1."""
    blocks = square_distances(x, y, device)
    total = sum((block * (-0.5 / s**2)).exp_().sum().item() for block in blocks for s in widths)
    return total / len(widths)


def median_distance(x: Tensor) -> float:
    """The median Euclidean distance between two different samples of x (n, d)."""
    return torch.pdist(x.double()).median().item()
