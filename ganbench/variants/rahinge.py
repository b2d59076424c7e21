"""The relativistic average hinge GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch.nn.functional import relu

from ganbench.variants.base import Batch, LossTerms, Players, Variant
from ganbench.variants.parts.relativistic import both_sides, margins


@dataclass(frozen=True, kw_only=True)
class RaHinge(Variant):
    """L_D = E relu(1 - (r - E f)) + E relu(1 + (f - E r)): a hinge on margins over the other side's average.

    L_G swaps the roles: E relu(1 + (r - E f)) + E relu(1 - (f - E r)).
    `halve` takes half of both losses, as the author's code does. G's update draws real samples of its own.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Jolicoeur-Martineau 2018, arXiv:1807.00734, RaHingeGAN"

    halve: bool = False

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        above = margins(net, batch)
        return both_sides(real=relu(1 - above.real), fake=relu(1 + above.fake), halve=self.halve)

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        above = margins(net, batch)
        return both_sides(real=relu(1 + above.real), fake=relu(1 - above.fake), halve=self.halve)
