"""Historical averaging: its gradient by hand, and the paper's game, which converges only with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import Optimizer
from ganbench.optimizers.rmsprop_tf import RMSpropTF
from ganbench.optimizers.sgd import SGD
from ganbench.plugins import Registry
from ganbench.testing import check_pack, check_resume, small_run
from ganbench.variants.wgan import WGAN

pytestmark = pytest.mark.golden

GRADIENTS = np.random.default_rng(0).normal(size=(12, 3))
EVERY: list[Any] = [Registry().find("optimizer", kind)() for kind in Registry().names("optimizer")]


def path(optimizer: Optimizer, gradients: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The parameter after each update."""
    param = torch.tensor(start).requires_grad_()
    rule = optimizer.rule([param], "g")
    values = []
    for gradient in gradients:
        param.grad = torch.tensor(gradient)
        rule.step()
        values.append(param.detach().numpy().copy())
    return np.array(values)


def test_the_slope_by_hand() -> None:
    """lr 1, weight 1/4, gradient 1 at each update, from 0. theta is -1, then -2 (its mean is itself at first); the
    mean of -1 and -2 is -1.5, so the slope is 1 + 2/4 (-2 + 1.5) = 0.75; then the mean of -1, -2, -2.75 is -23/12."""
    values = path(SGD(lr=1, historical=0.25), np.ones((4, 1)), np.zeros(1))
    assert values[:, 0].tolist() == pytest.approx([-1, -2, -2.75, -2.75 - (1 + 0.5 * (-2.75 + 23 / 12))])


@pytest.mark.parametrize("optimizer", EVERY, ids=lambda optimizer: optimizer.kind())
def test_every_rule_takes_the_gradient_of_the_whole_cost(optimizer: Any) -> None:
    """The term adds 2 w (theta - mean of theta so far) to each gradient."""
    start = np.linspace(-1, 1, 3)
    given: list[np.ndarray] = []
    for gradient in GRADIENTS:
        values = path(optimizer, np.array(given), start) if given else np.empty((0, 3))
        pull = 2 * 0.3 * (values[-1] - values.mean(0)) if given else 0.0
        given.append(gradient + pull)
    with_term = path(replace(optimizer, historical=0.3), GRADIENTS, start)
    np.testing.assert_allclose(with_term, path(optimizer, np.array(given), start), rtol=1e-12, atol=1e-14)
    assert not np.allclose(with_term, path(optimizer, GRADIENTS, start), rtol=1e-12, atol=1e-14)


def game(weight: float, steps: int) -> np.ndarray:
    """(steps, 2): x minimises and y maximises (f(x) - 1)(y - 1), where f(x) is x below 0 and x^2 above; in turns.

    Salimans et al. 2016, section 3.3: gradient descent fails on it. The equilibrium is (1, 1).
    """
    x, y = (torch.tensor([start], dtype=torch.float64).requires_grad_() for start in (0.5, 0.0))
    optimizer = SGD(lr=0.1, historical=weight)
    rules = [(optimizer.rule([x], "g"), x, 1.0), (optimizer.rule([y], "d"), y, -1.0)]
    values = []
    for _ in range(steps):
        for rule, own, sign in rules:
            value = (torch.where(x < 0, x, x.square()) - 1) * (y - 1)
            (own.grad,) = torch.autograd.grad(sign * value, own)
            rule.step()
        values.append([x.item(), y.item()])
    return np.array(values)


@pytest.mark.parametrize(("weight", "arrives"), [(0.0, False), (0.1, True), (0.3, True)])
def test_the_game_converges_with_historical_averaging_only(weight: float, arrives: bool) -> None:
    distance = np.linalg.norm(game(weight, 1000) - 1, axis=1)[-250:]
    assert distance.max() < 5e-3 if arrives else distance.min() > 0.5


@pytest.mark.parametrize("optimizer", [SGD(lr=0.01), Adam(), RMSpropTF()], ids=lambda optimizer: optimizer.kind())
def test_runs_resume_and_pack(optimizer: Optimizer) -> None:
    """Checkpoints hold the mean, and it is over the clipped weights."""
    spec = small_run(variant=WGAN(), optimizer=replace(optimizer, historical=0.5))
    data = spec.dataset.load(None)
    check_resume(spec, data)
    check_pack(spec, data)
