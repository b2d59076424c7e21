"""Improved precision and recall: the share of each side that lies within the other side's estimated manifold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.component import Count
from ganbench.evaluators.base import Metric, View
from ganbench.evaluators.parts.classes import named
from ganbench.evaluators.parts.neighbours import Reach, around, inside
from ganbench.evaluators.parts.protocol import Least, metric_name
from ganbench.evaluators.parts.two_samples import Found, TwoSamples


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall(TwoSamples):
    """`precision`: generated samples within some real ball; `recall`: real samples within some generated ball (0..1).

    A sample's ball reaches to its k-th nearest neighbour on its own side, itself not counted, border included; float64.
    The paper takes 50,000 samples of each side and VGG-16's features: here the name says which features they are.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kynkaanniemi et al. 2019, arXiv:1904.06991, eqs. 1-2"

    k: Count = 3

    def metrics(self) -> tuple[Metric, ...]:
        names = [metric_name(name, name, self.features, self.split) for name in ("precision", "recall")]
        return named(self.per, *(Metric(name, "higher", low=0, high=1) for name in names))

    @property
    def least(self) -> Least:
        return Least(self.k + 1, self.k + 1)

    def compare(self, fake: View, reals: View, rng: torch.Generator) -> Found:
        own, others = (around(side, self.features, self.k) for side in (fake, reals))
        reaches = (Reach(others.squares, border=True), Reach(own.squares[:, None], border=True))
        covered, recalled = [], torch.zeros(len(reals), dtype=torch.bool, device=fake.device)
        for in_real, in_fake in inside(own.centres, others.centres, reaches, fake.device):
            covered.append(in_real.any(1))
            recalled |= in_fake.any(0)
        precision, recall = (side.double().mean().item() for side in (torch.cat(covered), recalled))
        return Found((precision, recall), {"distances": "float64"})
