"""Every optimizer, with its defaults and with each option changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.datasets.base import Data, Dataset
from ganbench.datasets.ring8 import Ring8
from ganbench.optimizers.base import Optimizer, PlayerName
from ganbench.plugins import Registry
from ganbench.tuning.space import searched_fields

REGISTRY = Registry()


@pytest.mark.parametrize("kind", REGISTRY.names("optimizer"))
def test_optimizer(kind: str, load: Callable[[Dataset], Data]) -> None:
    example: Any = REGISTRY.find("optimizer", kind)()
    for optimizer in (example, *testing.variations(example)):
        if optimizer.conflict(testing.small_run(optimizer=optimizer)) is None:
            testing.check_optimizer(optimizer, load(Ring8()))


@pytest.mark.parametrize("kind", REGISTRY.names("optimizer"))
def test_the_learning_rate_is_searched(kind: str) -> None:
    optimizer: Any = REGISTRY.find("optimizer", kind)
    assert "optimizer.lr" in {field.name for field in searched_fields(testing.small_run(optimizer=optimizer()))}


# --- the check can fail ---


class NormalisedTogether(torch.optim.SGD):
    """Divides every step by the norm of the whole gradient, so that stacked runs depend on each other."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        for gradient in gradients:
            gradient.div_(norm)
        return super().step()


@dataclass(frozen=True, kw_only=True)
class Broken(Optimizer):
    """An optimizer that breaks the part of the contract that `fault` names."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"
    fault: str = ""

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        match self.fault:
            case "in a pack and alone differ":
                return NormalisedTogether(params, lr=0.1)
            case "doesn't have its own learning rate":
                return torch.optim.SGD(params, lr=self.lr)
            case "neither a number nor shaped":
                return torch.optim.Adafactor(params, lr=self.lr_of(player))
        return torch.optim.SGD(params, lr=self.lr_of(player))


@pytest.mark.parametrize(
    "fault", ["in a pack and alone differ", "doesn't have its own learning rate", "neither a number nor shaped"]
)
def test_a_broken_optimizer_is_reported(fault: str, load: Callable[[Dataset], Data]) -> None:
    rates = {"lr": 0.1} if "pack" in fault else {"lr": 0.1, "d_lr": 0.2}
    testing.check_optimizer(Broken(**rates), load(Ring8()))
    with pytest.raises(AssertionError, match=fault):
        testing.check_optimizer(Broken(fault=fault, **rates), load(Ring8()))
