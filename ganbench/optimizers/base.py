"""What an optimizer is: a rule that is built once for each player."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Component, NonNegative, Positive, Search

PlayerName = Literal["g", "d"]
Slots = Mapping[str, Tensor]  # what a rule keeps of one parameter, by its own names; empty before the first update


@dataclass(frozen=True, kw_only=True)
class Optimizer(Component):
    """An element-wise update rule, so that one optimizer over S stacked runs is S separate optimizers.

    `lr` is for both players unless `g_lr` or `d_lr` says otherwise. Historical averaging (Salimans et al. 2016,
    arXiv:1606.03498, section 3.3) adds `historical` |theta - mean|^2 to the cost of each player, whose parameters are
    theta, with the mean of all their values after an update so far; it moves them, but is in no logged term.
    """

    has_functional_update: ClassVar[bool] = False  # whether it has `functional_update`, for objectives that look ahead

    lr: Annotated[Positive, Search(1e-5, 1e-2, log=True)] = 2e-4
    g_lr: Positive | None = None
    d_lr: Positive | None = None
    historical: NonNegative = 0.0  # weight of historical averaging in each player's cost

    def rule(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        """The rule at work on one player's parameters, with historical averaging where its weight is above 0."""
        rule = self.build(params, player)
        if self.historical > 0:
            rule.register_step_pre_hook(self._pull)
            rule.register_step_post_hook(_remember)
        return rule

    @abstractmethod
    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        """The rule alone."""

    def functional_update(
        self, param: Tensor, gradient: Tensor, kept: Slots, player: PlayerName
    ) -> tuple[Tensor, Slots]:
        """The rule as a pure function that gradients flow through: a parameter after an update, and what is kept then.

        It takes the steps of the rule at work, from the same state; every rule that `has_functional_update` has it.
        """
        raise ValueError(f"{self.kind()} has no form that gradients flow through")

    def lr_of(self, player: PlayerName) -> float:
        """The learning rate of a player."""
        own = self.g_lr if player == "g" else self.d_lr
        return self.lr if own is None else own

    @torch.no_grad()
    def _pull(self, rule: torch.optim.Optimizer, *_: Any) -> None:
        """Count the present values in, and add the slope of the term, at a fixed mean, to the gradients."""
        for param, gradient in _moving(rule):
            if "past" in (kept := rule.state[param]):
                kept["past_steps"] += 1
                kept["past"] += (param - kept["past"]) / kept["past_steps"]
                param.grad = gradient + 2 * self.historical * (param - kept["past"])


def _remember(rule: torch.optim.Optimizer, *_: Any) -> None:
    """After the first update there is a past to fill. Not before: some rules take any state for their own."""
    for param, _gradient in _moving(rule):
        if "past" not in (kept := rule.state[param]):
            kept["past"], kept["past_steps"] = torch.zeros_like(param), torch.zeros((), device=param.device)


def _moving(rule: torch.optim.Optimizer) -> list[tuple[Tensor, Tensor]]:
    """The parameters that have a gradient, with it."""
    params = [param for group in rule.param_groups for param in group["params"]]
    return [(param, param.grad) for param in params if param.grad is not None]
