"""The relativistic average least squares GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ganbench.variants.base import Batch, LossTerms, Players, Variant
from ganbench.variants.parts.relativistic import both_sides, margins


@dataclass(frozen=True, kw_only=True)
class RaLSGAN(Variant):
    """L_D = E (r - E f - 1)^2 + E (f - E r + 1)^2.

    Reals should score 1 above the average fake, and fakes 1 below the average real.
    L_G swaps the roles: E (r - E f + 1)^2 + E (f - E r - 1)^2.
    `halve` takes half of both losses, as the author's code does. G's update draws real samples of its own.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Jolicoeur-Martineau 2018, arXiv:1807.00734, RaLSGAN"

    halve: bool = False

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        above = margins(net, batch)
        return both_sides(real=(above.real - 1).square(), fake=(above.fake + 1).square(), halve=self.halve)

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        above = margins(net, batch)
        return both_sides(real=(above.real + 1).square(), fake=(above.fake - 1).square(), halve=self.halve)
