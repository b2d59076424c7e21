"""RMSprop as in PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Momentum, Positive, annealed
from ganbench.optimizers.base import Optimizer, PlayerName, Slots, safe_sqrt, uncompiled


@dataclass(frozen=True, kw_only=True)
class RMSprop(Optimizer):
    """v = alpha v + (1 - alpha) g^2 from v = 0; theta -= lr * g / (sqrt(v) + eps).

    With alpha 0.99 the first step has the length 10 lr for any gradient. `rmsprop_tf` is the rule of TensorFlow, which
    the LSGAN study used. `centered` subtracts the squared mean gradient from v.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Tieleman & Hinton 2012, lecture 6.5 of their Coursera course; torch.optim.RMSprop"
    has_functional_update: ClassVar[bool] = True

    alpha: Momentum = 0.99
    eps: Positive = 1e-8
    momentum: Momentum = 0.0
    centered: bool = False

    @property
    def capturable(self) -> bool:
        return not annealed(self)

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        return uncompiled(
            torch.optim.RMSprop,
            params,
            lr=self.lr_of(player),
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            centered=self.centered,
        )

    def functional_update(
        self, param: Tensor, gradient: Tensor, slots: Slots, player: PlayerName
    ) -> tuple[Tensor, Slots]:
        v = self.alpha * slots.get("square_avg", 0.0) + (1 - self.alpha) * gradient.square()
        mean = self.alpha * slots.get("grad_avg", 0.0) + (1 - self.alpha) * gradient
        step = gradient / (safe_sqrt(v - mean.square() if self.centered else v) + self.eps)
        step = self.momentum * slots.get("momentum_buffer", 0.0) + step
        return param - self.lr_of(player) * step, {"square_avg": v, "grad_avg": mean, "momentum_buffer": step}
