"""The gradient penalty of WGAN-GP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ganbench.penalties.base import from_unit_norm
from ganbench.penalties.parts.between import BetweenPenalty


@dataclass(frozen=True, kw_only=True)
class GradientPenalty(BetweenPenalty):
    """D's loss + `weight` E (||grad D(x^)||_2 - 1)^2 at x^ = e x + (1 - e) G(z), with e ~ U(0, 1) for each sample."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Gulrajani et al. 2017, arXiv:1704.00028, eq. 3 and Algorithm 1"

    def of_gradients(self, gradient: Tensor) -> Tensor:
        return from_unit_norm(gradient)
