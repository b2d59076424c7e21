"""Least squares GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from ganbench.variants.base import Batch, Players, Terms, Variant


@dataclass(frozen=True, kw_only=True)
class LSGAN(Variant):
    """Squared distances of raw scores (no sigmoid) to labels: a for fakes, b for reals, c what G wants for fakes.

    L_D = 1/2 E (r - b)^2 + 1/2 E (f - a)^2, L_G = 1/2 E (f - c)^2. The default 0, 1, 1 is eq. 9; -1, 1, 0 is eq. 8,
    which minimises Pearson's chi^2. `reduction`: `half_mean` is the paper's; `half_sum` sums over the batch as the
    authors' code does, so its gradient is the batch size times larger; `mean` leaves out the 1/2.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, eq. 2, 8 and 9"

    a: float = 0.0
    b: float = 1.0
    c: float = 1.0
    reduction: Literal["half_mean", "mean", "half_sum"] = "half_mean"

    def d_loss(self, net: Players, batch: Batch) -> Terms:
        return {
            "real": self._distance(net.d(batch.x), self.b),
            "fake": self._distance(net.d(net.g(batch.z)), self.a),
        }

    def g_loss(self, net: Players, batch: Batch) -> Terms:
        return {"fake": self._distance(net.d(net.g(batch.z)), self.c)}

    def _distance(self, score: Tensor, label: float) -> Tensor:
        squares = (score - label).square()
        if self.reduction == "half_sum":
            return squares.sum() / 2
        return squares.mean() if self.reduction == "mean" else squares.mean() / 2
