"""Improved precision and recall: the share of each side that lies within the other side's estimated manifold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import metrics_per
from ganbench.evaluators.parts.neighbours import Reach, balls_around, inside_of
from ganbench.evaluators.parts.protocol import Sizes, metric_name
from ganbench.evaluators.parts.two_samples import FeatureComparison, MetricValues


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall(FeatureComparison):
    """`precision`: share of generated samples inside a real ball; `recall`: share of real ones inside a generated ball.

    A sample's ball reaches to its k-th nearest neighbour on its own side, itself not counted, border included; float64.
    The paper uses 50,000 samples of each side and the features of VGG-16; here the names say which features were used.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kynkaanniemi et al. 2019, arXiv:1904.06991, eqs. 1-2"

    k: Count = 3

    def metrics(self) -> tuple[Metric, ...]:
        precision, recall = (metric_name(name, name, self.features, self.split) for name in ("precision", "recall"))
        return metrics_per(
            self.per,
            Metric(precision, "higher", low=0, high=1, unit="share of generated samples"),
            Metric(recall, "higher", low=0, high=1, diversity=True, unit="share of real samples"),
        )

    @property
    def least_samples(self) -> Sizes:
        return Sizes(self.k + 1, self.k + 1)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> MetricValues:
        fake_balls, real_balls = (balls_around(side, self.features, self.k) for side in (fake, reals))
        reaches = (Reach(real_balls.squares, border=True), Reach(fake_balls.squares[:, None], border=True))
        precise, recalled = [], torch.zeros(len(reals), dtype=torch.bool, device=fake.device)
        for in_real, in_fake in inside_of(fake, reals, self.features, reaches):
            precise.append(in_real.any(1))
            recalled |= in_fake.any(0)
        precision, recall = (side.double().mean().item() for side in (torch.cat(precise), recalled))
        return MetricValues((precision, recall), {"distances": "float64"})
