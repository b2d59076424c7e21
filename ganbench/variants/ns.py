"""The non-saturating GAN, which is what "the GAN" of most comparisons is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch.nn.functional import softplus

from ganbench.component import Count
from ganbench.variants._scores import logistic_d
from ganbench.variants.base import Batch, Players, Terms, Variant


@dataclass(frozen=True, kw_only=True)
class NonSaturating(Variant):
    """GAN whose generator maximises log D(G(z)): L_D = E sp(-r) + E sp(f), L_G = E sp(-f), sp(t) = log(1 + e^t).

    `k`: discriminator updates a step (Algorithm 1). The released code of the paper always uses this generator loss.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661, section 3 (the stronger-gradient form of eq. 1)"

    k: Count = 1

    def d_loss(self, net: Players, batch: Batch) -> Terms:
        return logistic_d(net, batch)

    def g_loss(self, net: Players, batch: Batch) -> Terms:
        return {"fake": softplus(-net.d(net.g(batch.z))).mean()}

    def d_steps(self, step: int) -> int:
        return self.k
