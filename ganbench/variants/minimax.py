"""The original minimax game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.functional import softplus

from ganbench.component import Count, Fraction, Index
from ganbench.variants.base import LOGITS, Batch, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts.scores import logistic_d


@dataclass(frozen=True, kw_only=True)
class Minimax(Variant):
    """GAN with the saturating generator loss: G minimises E log(1 - D(G(z))).

    With sp(t) = log(1 + e^t) and raw scores r, f: L_D = E sp(-r) + E sp(f), L_G = -E sp(f).
    `k`: discriminator updates per step (Algorithm 1).

    The paper remarks that early in learning G may better maximise log D(G(z)), L_G = E sp(-f), and gives no criterion.
    There are two here: the first `early_steps` steps are early, and so are batches on which the mean of D(G(z)) is
    below `early_below`. A constant blend of both losses is `minimax_share` of the variant `ns`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661, eq. 1 and Algorithm 1"

    k: Count = 1
    early_steps: Index = 0
    early_below: Fraction = 0.0

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return logistic_d(net, batch)

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = net.d(net.g(batch.z))
        saturating, strong = -softplus(fake).mean(), softplus(-fake).mean()
        early = fake.sigmoid().mean() < self.early_below
        if batch.step is not None:
            early = early | (batch.step <= self.early_steps)
        return {"fake": torch.where(early, strong, saturating)}

    def decision_boundary(self) -> DecisionBoundary:
        return LOGITS

    def d_steps(self, step: int) -> int:
        return self.k
