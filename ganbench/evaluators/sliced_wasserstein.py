"""The Wasserstein distance of projections on random lines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from torch import Tensor

from ganbench.component import ADDED, Count
from ganbench.datasets.base import SplitName
from ganbench.evaluators.base import FeatureName, Metric
from ganbench.evaluators.parts.protocol import pixel_metric
from ganbench.evaluators.parts.sliced import SlicedComparison


@dataclass(frozen=True, kw_only=True)
class SlicedWasserstein(SlicedComparison):
    """`sliced_wasserstein_1` or `_2`: the p-th root of the mean of W_p^p over random directions, in float64.

    The distance on each line is exact, also for sets of different sizes. Directions are uniform on the sphere and drawn
    from the score's own stream. Pixels are flattened, in [0, 1]; with other features the name says which.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Rabin et al. 2011, Wasserstein barycenter and its application to texture mixing, section 2"

    p: Literal[1, 2] = 2
    projections: Count = 500
    split: SplitName = "test"
    features: FeatureName = field(default="pixels", metadata=ADDED)

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric(pixel_metric(f"sliced_wasserstein_{self.p}", self.features, self.split), "lower", low=0),)

    def distance(self, costs: Tensor, dimensions: int) -> float:
        return math.pow(costs.mean().item(), 1 / self.p)
