"""Adam for one player, stochastic gradient descent for the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Momentum, Positive
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import Optimizer, PlayerName, Slots
from ganbench.optimizers.sgd import SGD


@dataclass(frozen=True, kw_only=True)
class AdamSGD(Optimizer):
    """The rule of `adam` for the player that `adam` names, and that of `sgd` with `momentum` for the other.

    The learning rate is one for both unless `g_lr` or `d_lr` says otherwise, as in the grid of the source, where
    optimD and optimG vary apart and the rate doesn't.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, table 1"
    has_functional_update: ClassVar[bool] = True

    adam: Literal["g", "d"] = "g"
    beta1: Momentum = 0.5
    beta2: Momentum = 0.999
    eps: Positive = 1e-8
    momentum: Momentum = 0.0

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        return self._own(player).build(params, player)

    def functional_update(
        self, param: Tensor, gradient: Tensor, kept: Slots, player: PlayerName
    ) -> tuple[Tensor, Slots]:
        return self._own(player).functional_update(param, gradient, kept, player)

    def _own(self, player: PlayerName) -> Optimizer:
        lr = self.lr_of(player)
        if player == self.adam:
            return Adam(lr=lr, beta1=self.beta1, beta2=self.beta2, eps=self.eps)
        return SGD(lr=lr, momentum=self.momentum)
