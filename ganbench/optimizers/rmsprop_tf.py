"""RMSProp as in TensorFlow 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ganbench.component import Momentum, Positive, annealed
from ganbench.optimizers.base import Optimizer, PlayerName, Slots, uncompiled


@dataclass(frozen=True, kw_only=True)
class RMSpropTF(Optimizer):
    """v = decay v + (1 - decay) g^2 from v = 1; u = momentum u + lr g / sqrt(v + eps); theta -= u.

    Since v starts at 1, the steps grow to their full length over 1 to 200 updates; smaller gradients take longer.
    `rmsprop`, whose v starts at 0, begins with a step of 10 lr. The LSGAN study used this rule.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Tieleman & Hinton 2012, lecture 6.5; TensorFlow 1, tf.train.RMSPropOptimizer"
    has_functional_update: ClassVar[bool] = True

    decay: Momentum = 0.9
    eps: Positive = 1e-10
    momentum: Momentum = 0.0

    @property
    def capturable(self) -> bool:
        return not annealed(self)

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        options = {"lr": self.lr_of(player), "decay": self.decay, "eps": self.eps, "momentum": self.momentum}
        return uncompiled(TensorFlowRMSProp, params, **options)

    def functional_update(
        self, param: Tensor, gradient: Tensor, slots: Slots, player: PlayerName
    ) -> tuple[Tensor, Slots]:
        v = self.decay * slots.get("square", 1.0) + (1 - self.decay) * gradient.square()
        u = self.momentum * slots.get("velocity", 0.0) + self.lr_of(player) * gradient / (v + self.eps).sqrt()
        return param - u, {"square": v, "velocity": u}


class TensorFlowRMSProp(torch.optim.Optimizer):
    """The torch optimizer. Its state, shaped like the parameter, is `square` (v) and, with momentum, `velocity` (u)."""

    def __init__(self, params: list[Tensor], **defaults: float) -> None:
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update from the present gradients. The closure that other torch optimizers need is not called."""
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            if params:
                self._update(group, params, [param.grad for param in params])

    def _update(self, group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> None:
        squares = self._state(params, "square", torch.ones_like)
        torch._foreach_mul_(squares, group["decay"])
        torch._foreach_addcmul_(squares, grads, grads, 1 - group["decay"])
        roots = torch._foreach_add(squares, group["eps"])
        torch._foreach_sqrt_(roots)
        if not group["momentum"]:
            torch._foreach_addcdiv_(params, grads, roots, -group["lr"])
            return
        velocities = self._state(params, "velocity", torch.zeros_like)
        torch._foreach_mul_(velocities, group["momentum"])
        torch._foreach_addcdiv_(velocities, grads, roots, group["lr"])
        torch._foreach_sub_(params, velocities)

    def _state(self, params: list[Tensor], name: str, start: Callable[[Tensor], Tensor]) -> list[Tensor]:
        """One state tensor of each parameter; `start` makes it at the first update."""
        for param in params:
            if name not in self.state[param]:
                self.state[param][name] = start(param)
        return [self.state[param][name] for param in params]
