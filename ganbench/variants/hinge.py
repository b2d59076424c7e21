"""The hinge GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ganbench.component import Count
from ganbench.variants.base import Batch, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts.scores import critic_g, hinge


@dataclass(frozen=True, kw_only=True)
class Hinge(Variant):
    """L_D = E relu(1 - r) + E relu(1 + f), L_G = -E f. `n_dis`: discriminator updates per step."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, eq. 16 and 17"

    n_dis: Count = 1

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return hinge(real=net.d(batch.x), fake=net.d(net.g(batch.z)))

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return critic_g(net, batch)

    def decision_boundary(self) -> DecisionBoundary:
        return DecisionBoundary(flat=1.0)

    def d_steps(self, step: int) -> int:
        return self.n_dis
