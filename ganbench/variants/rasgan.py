"""The relativistic average standard GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch.nn.functional import softplus

from ganbench.variants.base import Batch, LossTerms, Players, Variant
from ganbench.variants.parts.relativistic import both_sides, margins


@dataclass(frozen=True, kw_only=True)
class RaSGAN(Variant):
    """L_D = E sp(-(r - E f)) + E sp(f - E r) with sp(t) = log(1 + e^t).

    Each score is compared with the other side's average.
    L_G swaps the roles: E sp(r - E f) + E sp(-(f - E r)).
    `halve` takes half of both losses, as the author's code does. G's update draws real samples of its own.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Jolicoeur-Martineau 2018, arXiv:1807.00734, RaSGAN"

    halve: bool = False

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        above = margins(net, batch)
        return both_sides(real=softplus(-above.real), fake=softplus(above.fake), halve=self.halve)

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        above = margins(net, batch)
        return both_sides(real=softplus(above.real), fake=softplus(-above.fake), halve=self.halve)
