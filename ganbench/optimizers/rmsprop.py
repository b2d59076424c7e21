"""RMSprop as PyTorch has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganbench.component import Momentum, Positive
from ganbench.optimizers.base import Optimizer, PlayerName


@dataclass(frozen=True, kw_only=True)
class RMSprop(Optimizer):
    """v = alpha v + (1 - alpha) g^2 from v = 0; theta -= lr * g / (sqrt(v) + eps).

    The first step is 10 lr long whatever the gradient (alpha 0.99). `rmsprop_tf` is the rule of TensorFlow, and so of
    the LSGAN study. `centered` subtracts the squared mean gradient from v.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Tieleman & Hinton 2012, lecture 6.5 of their Coursera course; torch.optim.RMSprop"

    alpha: Momentum = 0.99
    eps: Positive = 1e-8
    momentum: Momentum = 0.0
    centered: bool = False

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(
            params,
            lr=self.lr_of(player),
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            centered=self.centered,
        )
