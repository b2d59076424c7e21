"""The contract of every optimizer."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import torch

from ganbench.datasets.base import Data
from ganbench.optimizers.base import Optimizer, PlayerName, Slots
from ganbench.rng import stream
from ganbench.testing.claim import claim, same
from ganbench.testing.runs import check_pack, check_resume, end, small_run
from ganbench.training.trainer import train

PLAYERS: tuple[PlayerName, ...] = ("g", "d")
EXACT = 1e-12
GRADIENTS = (1.0, -0.5, -0.3)
LAYOUT = (2, 3, 5)  # a stacked matrix


def check_optimizer(optimizer: Optimizer, data: Data | None = None) -> None:
    """Over stacked runs it is separate optimizers, and a run resumes exactly, alone and in a pack."""
    spec = small_run(optimizer=optimizer)
    loaded = spec.dataset.load(None) if data is None else data
    name = optimizer.notation()
    check_rule(optimizer)
    if optimizer.has_functional_update:
        check_functional_update(optimizer)
    check_resume(spec, loaded)
    check_pack(spec, loaded)
    specs, middle = [spec, replace(spec, seed=1)], spec.steps // 2
    halfway = next(train(specs, loaded, (middle,)))
    saved = [run.checkpoint() for run in halfway.runs]
    straight, resumed = end(specs, loaded), end(specs, loaded, resume=saved)
    for run, continued in zip(straight, resumed, strict=True):
        claim(same(run.checkpoint(), continued.checkpoint()), f"{name}: a pack resumes to other numbers")


def check_rule(optimizer: Optimizer) -> None:
    """Each player has its own rate, a parameter without gradient stays, and state is a number or has its shape."""
    name = optimizer.notation()
    for player in PLAYERS:
        moving, resting = (torch.ones(LAYOUT).requires_grad_() for _ in range(2))
        rule = optimizer.build([moving, resting], player)
        claim(isinstance(rule, torch.optim.Optimizer), f"{name}: `build` gives a {type(rule).__name__}, no optimizer")
        own_rate = rule.param_groups[0]["lr"] == optimizer.lr_of(player)
        claim(own_rate, f"{name}: {player} doesn't have its own learning rate; pass `lr=self.lr_of(player)`")
        values = [moving.detach().clone()]
        for gradient in GRADIENTS:
            moving.grad = torch.full_like(moving, gradient)
            rule.step()
            values.append(moving.detach().clone())
        updates = sum(not same(before, after) for before, after in pairwise(values))
        claim(updates >= len(GRADIENTS) - 1, f"{name} doesn't update a parameter")  # momentum may cancel one gradient
        claim(same(resting.detach(), torch.ones(LAYOUT)), f"{name} changes a parameter that has no gradient")
        for key, value in rule.state[moving].items():
            fits = not isinstance(value, torch.Tensor) or value.dim() == 0 or value.shape == moving.shape
            claim(fits, f"{name}: its state {key!r} is neither a number nor shaped like the parameter")


def check_functional_update(optimizer: Optimizer) -> None:
    """`functional_update` takes the torch optimizer's steps, in float64, from the start and from any later state."""
    name, generator = optimizer.notation(), stream(0, "check")
    gradients = [torch.randn(LAYOUT, generator=generator, dtype=torch.float64) for _ in range(4)]
    for player in PLAYERS:
        param = torch.ones(LAYOUT, dtype=torch.float64).requires_grad_()
        rule = optimizer.build([param], player)
        for i, gradient in enumerate(gradients):
            state = rule.state.get(param, {})
            slots: Slots = {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
            pure = param.detach().clone()
            for later in gradients[i:]:
                pure, slots = optimizer.functional_update(pure, later, slots, player)
            gap = float((pure - _end(optimizer, player, gradients)).abs().max())
            claim(gap <= EXACT, f"{name}: `functional_update` and the torch optimizer differ by {gap:.1e}")
            param.grad = gradient
            rule.step()


def _end(optimizer: Optimizer, player: PlayerName, gradients: list[torch.Tensor]) -> torch.Tensor:
    """The parameter, initially ones, after the torch optimizer's steps."""
    param = torch.ones(LAYOUT, dtype=torch.float64).requires_grad_()
    rule = optimizer.build([param], player)
    for gradient in gradients:
        param.grad = gradient
        rule.step()
    return param.detach()
