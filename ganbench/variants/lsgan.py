"""Least squares GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ganbench.variants.base import Batch, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts.scores import Reduction, squared_distance


@dataclass(frozen=True, kw_only=True)
class LSGAN(Variant):
    """Squared distances of raw scores (no sigmoid) to labels: D's a for fakes and b for reals, G's c for fakes.

    L_D = 1/2 E (r - b)^2 + 1/2 E (f - a)^2, L_G = 1/2 E (f - c)^2. The default 0, 1, 1 is eq. 9; -1, 1, 0 is eq. 8,
    which minimises Pearson's chi^2. `reduction`: `half_mean` is the paper's; `half_sum` sums over the batch as the
    authors' code does, which multiplies the gradient by the batch size; `mean` leaves out the 1/2.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, eq. 2, 8 and 9"

    a: float = 0.0
    b: float = 1.0
    c: float = 1.0
    reduction: Reduction = "half_mean"

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {
            "real": squared_distance(net.d(batch.x), self.b, self.reduction),
            "fake": squared_distance(net.d(net.g(batch.z)), self.a, self.reduction),
        }

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        return {"fake": squared_distance(net.d(net.g(batch.z)), self.c, self.reduction)}

    def decision_boundary(self) -> DecisionBoundary | None:
        return DecisionBoundary((self.a + self.b) / 2) if self.a < self.b else None
