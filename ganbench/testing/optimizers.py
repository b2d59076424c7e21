"""What every optimizer keeps."""

from __future__ import annotations

from dataclasses import replace

import torch

from ganbench.datasets.base import Data
from ganbench.optimizers.base import Optimizer, PlayerName, Slots
from ganbench.rng import stream
from ganbench.testing._claim import claim, same
from ganbench.testing.runs import check_pack, check_resume, end, small_run
from ganbench.training.trainer import train

PLAYERS: tuple[PlayerName, ...] = ("g", "d")
EXACT = 1e-12
LAYOUT = (2, 3, 5)  # a stacked matrix


def check_optimizer(optimizer: Optimizer, data: Data | None = None) -> None:
    """Over stacked runs it is separate optimizers; a run leaves a pack, or joins one, with its state whole."""
    spec = small_run(optimizer=optimizer)
    loaded = spec.dataset.load(None) if data is None else data
    check_rule(optimizer)
    if optimizer.has_functional_update:
        check_ahead(optimizer)
    check_resume(spec, loaded)
    check_pack(spec, loaded)
    specs, middle = [spec, replace(spec, seed=1)], spec.steps // 2
    halfway = next(train(specs, loaded, (middle,)))
    saved = [look.checkpoint() for look in halfway.runs]
    straight, resumed = end(specs, loaded), end(specs, loaded, resume=saved)
    for one, two in zip(straight, resumed, strict=True):
        claim(same(one.checkpoint(), two.checkpoint()), f"{optimizer.notation()}: a pack resumes to other numbers")


def check_rule(optimizer: Optimizer) -> None:
    """Each player moves at its own rate; state is shaped like the parameter or a count; a resting parameter stays."""
    name = optimizer.notation()
    for player in PLAYERS:
        moving, resting = (torch.ones(LAYOUT).requires_grad_() for _ in range(2))
        rule = optimizer.build([moving, resting], player)
        claim(rule.param_groups[0]["lr"] == optimizer.lr_of(player), f"{name}: {player} doesn't move at its own rate")
        for sign in (1.0, -0.5):
            moving.grad = torch.full_like(moving, sign)
            rule.step()
            claim(not same(moving, torch.ones(LAYOUT)), f"{name} doesn't move a parameter")
        claim(same(resting.detach(), torch.ones(LAYOUT)), f"{name} moves a parameter that has no gradient")
        for key, value in rule.state[moving].items():
            sound = not isinstance(value, torch.Tensor) or value.dim() == 0 or value.shape == moving.shape
            claim(sound, f"{name}: its state {key!r} is neither one number nor shaped like the parameter")


def check_ahead(optimizer: Optimizer) -> None:
    """`functional_update` takes the steps of the rule at work, in float64, from its start and from any state of it."""
    generator = stream(0, "check")
    gradients = [torch.randn(LAYOUT, generator=generator, dtype=torch.float64) for _ in range(4)]
    for player in PLAYERS:
        param = torch.ones(LAYOUT, dtype=torch.float64).requires_grad_()
        rule = optimizer.build([param], player)
        for i, gradient in enumerate(gradients):
            kept = rule.state.get(param, {})
            slots: Slots = {name: value for name, value in kept.items() if isinstance(value, torch.Tensor)}
            ahead = param.detach().clone()
            for later in gradients[i:]:
                ahead, slots = optimizer.functional_update(ahead, later, slots, player)
            gap = float((ahead - _end(optimizer, player, gradients)).abs().max())
            claim(gap <= EXACT, f"{optimizer.notation()}: `functional_update` and the rule at work differ by {gap:.1e}")
            param.grad = gradient
            rule.step()


def _end(optimizer: Optimizer, player: PlayerName, gradients: list[torch.Tensor]) -> torch.Tensor:
    """Where the rule at work brings ones."""
    param = torch.ones(LAYOUT, dtype=torch.float64).requires_grad_()
    rule = optimizer.build([param], player)
    for gradient in gradients:
        param.grad = gradient
        rule.step()
    return param.detach()
