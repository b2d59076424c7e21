"""The one-sided gradient penalty, of WGAN-LP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import relu

from ganbench.penalties.base import norm
from ganbench.penalties.parts.between import BetweenPenalty


@dataclass(frozen=True, kw_only=True)
class OneSidedPenalty(BetweenPenalty):
    """D's loss + `weight` E max(0, ||grad D(x^)||_2 - 1)^2: gradients below 1 cost nothing.

    x^ = e x + (1 - e) G(z), with e ~ U(0, 1) for each sample.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Petzka et al. 2018, On the regularization of Wasserstein GANs, arXiv:1709.08894 (WGAN-LP)"

    def of_gradients(self, gradient: Tensor) -> Tensor:
        return relu(norm(gradient) - 1).square().mean()
