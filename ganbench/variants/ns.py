"""The non-saturating GAN, which most comparisons call "the GAN"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ganbench.component import Count, Fraction
from ganbench.variants.base import LOGITS, Batch, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts.scores import logistic_d, logistic_g


@dataclass(frozen=True, kw_only=True)
class NonSaturating(Variant):
    """GAN whose generator maximises log D(G(z)): L_D = E sp(-r) + E sp(f), L_G = E sp(-f), sp(t) = log(1 + e^t).

    `k`: discriminator updates per step (Algorithm 1). The released code of the paper always uses this generator loss.
    `real_target` t below 1 is one-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498, section 3.4; 0.9): the
    term of the reals is E [t sp(-r) + (1 - t) sp(r)], and fakes keep their target 0. `g_target` below 1 smooths G's
    target 1 as well: the authors' code for ImageNet has 0.75 and, for G, 0.375, which is the output of the best D where
    both densities are equal. `minimax_share` s blends in the saturating loss, as the released code can:
    L_G = (1 - s) E sp(-f) - s E sp(f). The code's weights u of this loss and v of D's, which it halves, give
    s = v / (2 u + v), up to a factor of the loss.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661, section 3 (the stronger-gradient form of eq. 1)"

    k: Count = 1
    real_target: Fraction = 1.0
    g_target: Fraction = 1.0
    minimax_share: Fraction = 0.0

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return logistic_d(net, batch, self.real_target)

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return logistic_g(net, batch, self.minimax_share, self.g_target)

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def d_steps(self, step: int) -> int:
        return self.k
