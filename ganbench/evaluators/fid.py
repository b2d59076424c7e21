"""The Frechet distance between two sets of features; with Inception's features it is the FID."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge

from ganbench.component import ADDED
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import metrics_per
from ganbench.evaluators.parts.gaussians import frechet_memory, frechet_of
from ganbench.evaluators.parts.protocol import Sizes, metric_name, unsupported_sizes
from ganbench.evaluators.parts.two_samples import FeatureComparison, MetricValues


@dataclass(frozen=True, kw_only=True)
class FID(FeatureComparison):
    """`fid`, or `fd_pixels`, `fd_classifier`: ||m1 - m2||^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), covariances with n - 1.

    `reference`: how many real samples are used, the first ones of `split`; None: all. `generated`: how many of the
    generated samples, the first ones (of each class with `per: class`); None: all. 10,000 samples or more are
    customary, and covariances of full rank need more samples than the features have dimensions. The distance falls as
    the samples grow in number, so a published one is compared at its own number: SN-GAN's at 5,000.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Heusel et al. 2017, arXiv:1706.08500, eq. 6; by the covariances' factors"

    generated: Annotated[int, Ge(2)] | None = field(default=None, metadata=ADDED)

    def metrics(self) -> tuple[Metric, ...]:
        return metrics_per(self.per, Metric(metric_name("fid", "fd", self.features, self.split), "lower", low=0))

    def unsupported_options(self, samples: int) -> str | None:
        return unsupported_sizes(Sizes(self.generated or 0, 0), samples)

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        return frechet_memory(sizes, dimensions)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        used = fake if self.generated is None else fake.first(self.generated)
        values = tuple(frechet_of(used, reals, self.features))
        return MetricValues(values, {"statistics": "float64"}, used=Sizes(len(used), len(reals)))
