"""Adam for one player, stochastic gradient descent for the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Annealable, Momentum, Positive
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import Optimizer, PlayerName, Slots
from ganbench.optimizers.sgd import SGD


@dataclass(frozen=True, kw_only=True)
class AdamSGD(Optimizer):
    """The rule of `adam` for the player that the option `adam` names; for the other that of `sgd` with `momentum`.

    Both players have the same learning rate unless `g_lr` or `d_lr` is set. In the source's grid too, optimD and optimG
    vary separately and the rate does not.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, table 1"
    has_functional_update: ClassVar[bool] = True

    adam: Literal["g", "d"] = "g"
    beta1: Momentum = 0.5
    beta2: Annealable[Momentum] = 0.999
    eps: Positive = 1e-8
    momentum: Momentum = 0.0

    @property
    def capturable(self) -> bool:
        return self._optimizer_of("g").capturable and self._optimizer_of("d").capturable

    def rates(self, player: PlayerName) -> dict[str, Any]:
        return self._optimizer_of(player).rates(player)

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        return self._optimizer_of(player).build(params, player)

    def functional_update(
        self, param: Tensor, gradient: Tensor, slots: Slots, player: PlayerName
    ) -> tuple[Tensor, Slots]:
        return self._optimizer_of(player).functional_update(param, gradient, slots, player)

    def _optimizer_of(self, player: PlayerName) -> Optimizer:
        lr = self.lr_of(player)
        if player == self.adam:
            return Adam(lr=lr, beta1=self.beta1, beta2=self.beta2, eps=self.eps)
        return SGD(lr=lr, momentum=self.momentum)
