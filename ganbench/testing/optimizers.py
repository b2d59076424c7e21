"""What every optimizer keeps."""

from __future__ import annotations

from dataclasses import replace

import torch

from ganbench.datasets.base import Data
from ganbench.optimizers.base import Optimizer, PlayerName
from ganbench.testing._claim import claim, same
from ganbench.testing.runs import check_pack, check_resume, end, small_run
from ganbench.training.trainer import train

PLAYERS: tuple[PlayerName, ...] = ("g", "d")
LAYOUT = (2, 3, 5)  # a stacked matrix


def check_optimizer(optimizer: Optimizer, data: Data | None = None) -> None:
    """Over stacked runs it is separate optimizers; a run leaves a pack, or joins one, with its state whole."""
    spec = small_run(optimizer=optimizer)
    loaded = spec.dataset.load(None) if data is None else data
    check_rule(optimizer)
    check_resume(spec, loaded)
    check_pack(spec, loaded)
    specs, middle = [spec, replace(spec, seed=1)], spec.steps // 2
    halfway = next(train(specs, loaded, (middle,)))
    saved = [look.checkpoint() for look in halfway.looks]
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
