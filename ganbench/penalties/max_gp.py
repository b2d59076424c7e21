"""The penalty on the largest gradient, of Lipschitz GANs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ganbench.penalties.base import squared_norm
from ganbench.penalties.parts.between import BetweenPenalty


@dataclass(frozen=True, kw_only=True)
class MaxGradientPenalty(BetweenPenalty):
    """D's loss + `weight` max ||grad D(x^)||^2, the maximum being over the samples of a batch.

    x^ = e x + (1 - e) G(z), with e ~ U(0, 1) for each sample.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhou et al. 2019, Lipschitz generative adversarial nets, arXiv:1902.05687 (MaxGP)"

    def of_gradients(self, gradient: Tensor) -> Tensor:
        return squared_norm(gradient).max()
