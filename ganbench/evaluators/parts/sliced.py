"""The frame of Wasserstein distances over random directions."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.evaluators.base import View
from ganbench.evaluators.parts.protocol import Sizes
from ganbench.evaluators.parts.transport import random_directions, sliced_costs, sliced_memory
from ganbench.evaluators.parts.two_samples import MetricValues, TwoSamples


@dataclass(frozen=True, kw_only=True)
class SlicedComparison(TwoSamples):
    """A comparison by the costs W_p^p of projections on random directions, which are exact and in float64.

    Directions are uniform on the sphere and drawn from the score's own stream. A subclass declares the fields
    `projections` and, unless it is always 2, `p`.
    """

    @property
    @abstractmethod
    def projections(self) -> int:
        """The number of directions."""

    @property
    def p(self) -> int:
        """The power of the distances on a line."""
        return 2

    @abstractmethod
    def distance(self, costs: Tensor, dimensions: int) -> float:
        """The value of the costs (k,) of features of so many dimensions."""

    @property
    def least_samples(self) -> Sizes:
        return Sizes(1, 1)

    def memory_of(self, sizes: Sizes, dimensions: int) -> int:
        return sliced_memory(sizes, dimensions, self.projections)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        x, y = (view.features(self.features) for view in (fake, reals))
        costs = sliced_costs(x, y, self.p, random_directions(self.projections, x.shape[1], rng), fake.device)
        facts = {"projections": self.projections, "lines": "float64"}
        return MetricValues((self.distance(costs, x.shape[1]),), facts)
