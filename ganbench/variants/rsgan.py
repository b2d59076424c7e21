"""The relativistic standard GAN, also called RpGAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch.nn.functional import softplus

from ganbench.variants.base import Batch, LossTerms, Players, Variant
from ganbench.variants.parts.relativistic import paired_g


@dataclass(frozen=True, kw_only=True)
class RSGAN(Variant):
    """L_D = E sp(-(r - f)), L_G = E sp(-(f - r)), real and fake paired by index; sp(t) = log(1 + e^t).

    G's update draws real samples of its own.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Jolicoeur-Martineau 2018, arXiv:1807.00734, RSGAN"

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"pairs": softplus(net.d(net.g(batch.z)) - net.d(batch.x)).mean()}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return paired_g(net, batch)
