"""Adam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor

from ganbench.component import Annealable, Momentum, Positive, Search, annealed
from ganbench.optimizers.base import Optimizer, PlayerName, Slots, safe_sqrt, uncompiled


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """theta -= lr * m_hat / (sqrt(v_hat) + eps), with the bias-corrected moments of the gradient.

    With `eps_hat`, as in TensorFlow 1, theta -= lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps). The two
    differ only for gradients near eps. The default of `beta1` is DCGAN's 0.5; the paper's is 0.9.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kingma & Ba 2015, arXiv:1412.6980, algorithm 1; eps_hat: the end of section 2"
    has_functional_update: ClassVar[bool] = True

    beta1: Annotated[Momentum, Search(0.0, 0.9)] = 0.5
    beta2: Annealable[Momentum] = 0.999
    eps: Positive = 1e-8
    eps_hat: bool = False

    @property
    def capturable(self) -> bool:
        return not self.eps_hat and "beta2" not in annealed(self)  # torch takes a beta as a constant

    def rates(self, player: PlayerName) -> dict[str, Any]:
        return {"lr": self.lr_of(player), "betas": (self.beta1, self.beta2)}

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        fused = params[0].device.type in ("cpu", "cuda")
        rule = uncompiled(torch.optim.Adam, params, **self.rates(player), eps=self.eps, fused=fused)
        rule.register_step_pre_hook(_make_contiguous)
        if self.eps_hat:
            rule.register_step_pre_hook(self._correct_eps)
        return rule

    def functional_update(
        self, param: Tensor, gradient: Tensor, slots: Slots, player: PlayerName
    ) -> tuple[Tensor, Slots]:
        step = slots.get("step", torch.zeros((), device=param.device)) + 1
        m = self.beta1 * slots.get("exp_avg", 0.0) + (1 - self.beta1) * gradient
        v = self.beta2 * slots.get("exp_avg_sq", 0.0) + (1 - self.beta2) * gradient.square()
        m_weight, v_weight = ((1 - beta ** step.double()).to(param.dtype) for beta in (self.beta1, self.beta2))
        eps = self.eps / v_weight.sqrt() if self.eps_hat else self.eps
        moved = param - self.lr_of(player) * (m / m_weight) / (safe_sqrt(v / v_weight) + eps)
        return moved, {"step": step, "exp_avg": m, "exp_avg_sq": v}

    def _correct_eps(self, rule: torch.optim.Optimizer, *_: Any) -> None:
        """Divide eps by the bias correction, which torch applies to sqrt(v) only."""
        for group in rule.param_groups:
            state = rule.state.get(group["params"][0])
            step = int(state["step"]) + 1 if state else 1
            group["eps"] = self.eps / (1 - group["betas"][1] ** step) ** 0.5


def _make_contiguous(rule: torch.optim.Optimizer, *_: Any) -> None:
    """Make the gradients contiguous: on the CPU, torch's fused Adam silently misreads transposed ones."""
    for group in rule.param_groups:
        for param in group["params"]:
            if param.grad is not None:
                param.grad = param.grad.contiguous()
