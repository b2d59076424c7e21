"""What an optimizer is: a rule that is built once for each player."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from torch import Tensor

from ganbench.component import Component, Positive, Search

PlayerName = Literal["g", "d"]


@dataclass(frozen=True, kw_only=True)
class Optimizer(Component):
    """An element-wise update rule, so that one optimizer over S stacked runs is S separate optimizers.

    `lr` is for both players unless `g_lr` or `d_lr` says otherwise.
    """

    lr: Annotated[Positive, Search(1e-5, 1e-2, log=True)] = 2e-4
    g_lr: Positive | None = None
    d_lr: Positive | None = None

    @abstractmethod
    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        """The rule at work on one player's parameters."""

    def lr_of(self, player: PlayerName) -> float:
        """The learning rate of a player."""
        own = self.g_lr if player == "g" else self.d_lr
        return self.lr if own is None else own
