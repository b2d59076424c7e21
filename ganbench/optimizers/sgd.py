"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from ganbench.component import Momentum, NonNegative, Positive
from ganbench.optimizers.base import Optimizer, PlayerName

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """u = momentum u + g + weight_decay theta; theta -= lr u, or lr (g + momentum u) with Nesterov's momentum."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Sutskever et al. 2013, On the importance of initialization and momentum; torch.optim.SGD"

    lr: Positive = 0.01
    momentum: Momentum = 0.0
    nesterov: bool = False
    weight_decay: NonNegative = 0.0

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            params,
            lr=self.lr_of(player),
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )

    def objection(self, spec: RunSpec) -> str | None:
        if self.nesterov and self.momentum == 0:
            return "nesterov needs a momentum above 0"
        return None
