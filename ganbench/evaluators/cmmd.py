"""The MMD of CLIP's image embeddings with a Gaussian kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import FeatureName, Metric, View
from ganbench.evaluators.parts.distances import distances_memory
from ganbench.evaluators.parts.kernels import gaussian_sum
from ganbench.evaluators.parts.products import blocks_across, blocks_within
from ganbench.evaluators.parts.protocol import Sizes, on_split
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples

WIDTH, SCALE = 10.0, 1000.0  # of the paper; embeddings have length 1


@dataclass(frozen=True, kw_only=True)
class CMMD(TwoSamples):
    """`cmmd`: 1000 times the squared MMD of CLIP ViT-L/14-336 embeddings, kernel exp(-||x - y||^2 / (2 10^2)).

    It is the biased estimate, as in the authors' code: pairs of a sample with itself count. See `mmd` for
    other features.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Jayasumana et al. 2024, arXiv:2401.09603, eqs. 4-5 and section 5; the authors' code"

    split: SplitName = "test"

    @property
    def features(self) -> FeatureName:
        return "clip_l14_336"

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(on_split("cmmd", self.split), "lower", low=0),)

    @property
    def least_samples(self) -> Sizes:
        return Sizes(1, 1)

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        return distances_memory(sizes, dimensions)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        alike = sum(
            gaussian_sum(blocks_within(side, self.features), [WIDTH]) / len(side) ** 2 for side in (fake, reals)
        )
        unlike = gaussian_sum(blocks_across(fake, reals, self.features), [WIDTH]) / len(fake) / len(reals)
        return MetricValues((max(SCALE * (alike - 2 * unlike), 0.0),), {"kernels": "float64"})
