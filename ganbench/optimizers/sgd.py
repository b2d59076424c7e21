"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from ganbench.component import Annealable, Count, Momentum, NonNegative, Positive, Search, annealed
from ganbench.optimizers.base import Optimizer, PlayerName, Slots, uncompiled

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """u = momentum u + g + weight_decay theta; theta -= lr u, or lr (g + momentum u) with Nesterov's momentum.

    In the authors' code of Goodfellow et al. 2014, lr is 0.1, divided by an `lr_decay` of 1.000004 after every update
    down to a `min_lr` of 1e-6, and the momentum of 0.5 rises linearly to a `final_momentum` of 0.7 over the first
    `ramp` updates.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Sutskever et al. 2013, On the importance of initialization and momentum; torch.optim.SGD"
    has_functional_update: ClassVar[bool] = True

    lr: Annotated[Annealable[Positive], Search(1e-4, 1.0, log=True)] = 0.01
    momentum: Momentum = 0.0
    final_momentum: Momentum | None = None  # None: the momentum is constant
    ramp: Count = 125_000  # updates until the final momentum: 250 epochs of 500
    nesterov: bool = False
    weight_decay: NonNegative = 0.0
    lr_decay: Annotated[float, Ge(1)] = 1.0
    min_lr: NonNegative = 0.0

    @property
    def capturable(self) -> bool:
        return not self._is_scheduled and not annealed(self)

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        rule = uncompiled(
            torch.optim.SGD,
            params,
            lr=self.lr_of(player),
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=self.weight_decay,
        )
        if self._is_scheduled:
            rule.register_step_pre_hook(partial(self._follow_schedule, self.lr_of(player)))
        return rule

    def functional_update(
        self, param: Tensor, gradient: Tensor, slots: Slots, player: PlayerName
    ) -> tuple[Tensor, Slots]:
        done = slots.get("step", torch.zeros((), device=param.device))
        ramped = (done.double() / self.ramp).clamp(max=1).to(param.dtype)
        momentum = self.momentum + self._rise * ramped
        lr = (self.lr_of(player) * self.lr_decay ** -done.double()).clamp(min=self.min_lr).to(param.dtype)
        slope = gradient + self.weight_decay * param
        u = momentum * slots.get("momentum_buffer", 0.0) + slope
        step = slope + momentum * u if self.nesterov else u
        return param - lr * step, {"step": done + 1, "momentum_buffer": u}

    def conflict(self, spec: RunSpec) -> str | None:
        if self.momentum == 0 and (self.nesterov or self.final_momentum is not None):
            return "nesterov and final_momentum need a momentum above 0: set momentum"
        if annealed(self) and (self._is_scheduled or self.min_lr):
            return "lr_decay, min_lr and final_momentum need a constant learning rate: set it, or leave them out"
        if not annealed(self) and self.min_lr > min(self.lr_of("g"), self.lr_of("d")):
            return "min_lr is above the learning rate of a player: lower min_lr"
        return None

    @property
    def _is_scheduled(self) -> bool:
        return self.lr_decay > 1 or self.final_momentum is not None

    @property
    def _rise(self) -> float:
        return 0.0 if self.final_momentum is None else self.final_momentum - self.momentum

    def _follow_schedule(self, lr: float, rule: torch.optim.Optimizer, *_: Any) -> None:
        """Set rate and momentum of the next update. The count is in each parameter's state, so a checkpoint has it."""
        for group in rule.param_groups:
            done = group.get("updates", 0)
            group["lr"] = max(lr * self.lr_decay**-done, self.min_lr)
            group["momentum"] = self.momentum + self._rise * min(done / self.ramp, 1)
            group["updates"] = done + 1
            for param in group["params"]:
                if param.grad is not None:
                    rule.state[param]["step"] = torch.full((), float(done + 1), device=param.device)
