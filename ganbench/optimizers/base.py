"""The base class of optimizers: an update rule that is built once for each player."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor

from ganbench.component import Annealable, Component, NonNegative, Positive, Search

PlayerName = Literal["g", "d"]
Slots = Mapping[str, Tensor]  # the state of a rule for one parameter, by name; empty before the first update

# methods that torch wraps to hide them from its compiler
WRAPPED = ("add_param_group", "state_dict", "load_state_dict", "zero_grad")


@dataclass(frozen=True, kw_only=True)
class Optimizer(Component):
    """An element-wise update rule, so that one optimizer over S stacked runs is S separate optimizers.

    `lr` is the learning rate of both players unless `g_lr` or `d_lr` is set. A rate may change during training: in the
    methods below it is the number of the present step. Historical averaging (Salimans et al.
    2016, arXiv:1606.03498, section 3.3) adds `historical` |theta - mean|^2 to the cost of each player, where theta are
    its parameters and the mean is over their values after each update so far. It changes the updates, but no logged
    term includes it.
    """

    has_functional_update: ClassVar[bool] = False  # whether it implements `functional_update`, for unrolled objectives

    lr: Annotated[Annealable[Positive], Search(1e-5, 1e-2, log=True)] = 2e-4
    g_lr: Annealable[Positive] | None = None
    d_lr: Annealable[Positive] | None = None
    historical: NonNegative = 0.0  # weight of historical averaging in each player's cost

    def rule(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        """The torch optimizer of one player's parameters, with historical averaging if its weight is above 0."""
        rule = self.build(params, player)
        if self.capturable and params[0].is_cuda:
            _count_on_device(rule)
        if self.historical > 0:
            rule.register_step_pre_hook(self._pull_to_mean)
            rule.register_step_post_hook(_start_mean)
        return rule

    @property
    def capturable(self) -> bool:
        """Whether an update is tensor operations with constant numbers, so that it can be recorded and repeated."""
        return False

    def rates(self, player: PlayerName) -> dict[str, Any]:
        """What may change during training, as the torch optimizer's parameter groups hold it: `{"lr": 2e-4}`."""
        return {"lr": self.lr_of(player)}

    @abstractmethod
    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        """The torch optimizer alone, without historical averaging."""

    def functional_update(
        self, param: Tensor, gradient: Tensor, slots: Slots, player: PlayerName
    ) -> tuple[Tensor, Slots]:
        """The rule as a pure, differentiable function: the parameter after an update, and the state after it.

        From the same state it takes the same steps as the torch optimizer. Optimizers that set `has_functional_update`
        implement it. Raises `ValueError` in the others.
        """
        raise ValueError(f"{self.kind()} has no functional update: use an optimizer that has one, such as adam")

    def lr_of(self, player: PlayerName) -> float:
        """The learning rate of a player."""
        own = self.g_lr if player == "g" else self.d_lr
        return self.lr if own is None else own

    @torch.no_grad()
    def _pull_to_mean(self, rule: torch.optim.Optimizer, *_: Any) -> None:
        """Update the mean with the present values; add the term's gradient, at a fixed mean, to each gradient."""
        for param, gradient in _with_gradients(rule):
            if "past" in (state := rule.state[param]):
                state["past_steps"] += 1
                state["past"] += (param - state["past"]) / state["past_steps"]
                gradient += 2 * self.historical * (param - state["past"])


def uncompiled(
    kind: Callable[..., torch.optim.Optimizer], params: Iterable[Tensor], **options: Any
) -> torch.optim.Optimizer:
    """A torch optimizer of that class, with the same updates, that never loads torch's compiler.

    Other torch optimizers load it at their first use, only to keep out of its way: seconds of every process. The
    updates record no gradient (`differentiable` stays off).
    """
    rule: torch.optim.Optimizer = _subclass(kind)(params, **options)
    return rule


def safe_sqrt(square: Tensor) -> Tensor:
    """The square root with derivative 0 at 0.

    For a weight that never had a gradient, the chain rule would multiply the infinite derivative by 0 and give NaN.
    """
    positive = square > 0
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)


@cache
def _subclass(kind: Any) -> type[Any]:
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in WRAPPED}
    return type(kind.__name__, (kind,), {**methods, "step": torch.no_grad()(inspect.unwrap(kind.step))})


def _count_on_device(rule: torch.optim.Optimizer) -> None:
    """Let torch's optimizers keep their counts on the device, as CUDA graphs need it. The numbers stay the same."""
    for group in rule.param_groups:
        if "capturable" in group:
            group["capturable"] = True
    vars(rule)["_warned_capturable_if_run_uncaptured"] = True  # some updates come before the graph


def _start_mean(rule: torch.optim.Optimizer, *_: Any) -> None:
    """Add the mean to the state after the first update. Before it, some optimizers would take any state as theirs."""
    for param, _gradient in _with_gradients(rule):
        if "past" not in (state := rule.state[param]):
            state["past"], state["past_steps"] = torch.zeros_like(param), torch.zeros((), device=param.device)


def _with_gradients(rule: torch.optim.Optimizer) -> list[tuple[Tensor, Tensor]]:
    """The parameters that have a gradient, each with its gradient."""
    params = [param for group in rule.param_groups for param in group["params"]]
    return [(param, param.grad) for param in params if param.grad is not None]
