"""The update rules against independent transcriptions in NumPy, in float64. Keyed by (kind, version)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import Optimizer
from ganbench.optimizers.rmsprop import RMSprop
from ganbench.optimizers.rmsprop_tf import RMSpropTF
from ganbench.optimizers.sgd import SGD

pytestmark = pytest.mark.golden

GRADIENTS = np.random.default_rng(0).normal(size=(30, 7)) * 10.0 ** np.arange(-6, 1)
START = np.linspace(-1, 1, 7)


def trajectory(optimizer, gradients=GRADIENTS, start=START):
    """The parameter after each step with the given gradients."""
    param = torch.tensor(start).requires_grad_()
    rule = optimizer.build([param], "g")
    path = []
    for gradient in gradients:
        param.grad = torch.tensor(gradient)
        rule.step()
        path.append(param.detach().numpy().copy())
    return np.array(path)


def moving_average(values, decay, start):
    average, path = start, []
    for value in values:
        average = decay * average + (1 - decay) * value
        path.append(average)
    return np.array(path)


def accumulated(values, momentum):
    total, path = 0.0, []
    for value in values:
        total = momentum * total + value
        path.append(total)
    return np.array(path)


def adam(lr=2e-4, beta1=0.5, beta2=0.999, eps=1e-8, eps_hat=False):
    t = np.arange(1, len(GRADIENTS) + 1)[:, None]
    m = moving_average(GRADIENTS, beta1, 0.0)
    v = moving_average(GRADIENTS**2, beta2, 0.0)
    if eps_hat:
        return lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + eps)
    return lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)


def rmsprop(lr=2e-4, alpha=0.99, eps=1e-8, momentum=0.0, centered=False):
    v = moving_average(GRADIENTS**2, alpha, 0.0)
    if centered:
        v = v - moving_average(GRADIENTS, alpha, 0.0) ** 2
    return lr * accumulated(GRADIENTS / (np.sqrt(v) + eps), momentum)


def rmsprop_tf(lr=2e-4, decay=0.9, eps=1e-10, momentum=0.0):
    v = moving_average(GRADIENTS**2, decay, 1.0)
    return accumulated(lr * GRADIENTS / np.sqrt(v + eps), momentum)


def sgd(lr=0.01, momentum=0.0, nesterov=False):
    u = accumulated(GRADIENTS, momentum)
    return lr * (GRADIENTS + momentum * u if nesterov else u)


@pytest.mark.parametrize(
    ("optimizer", "steps"),
    [
        (Adam(), adam()),
        (Adam(lr=1e-3, beta1=0.9, beta2=0.99, eps=1e-3), adam(lr=1e-3, beta1=0.9, beta2=0.99, eps=1e-3)),
        (Adam(eps_hat=True), adam(eps_hat=True)),
        (Adam(eps=1e-4, eps_hat=True), adam(eps=1e-4, eps_hat=True)),
        (RMSprop(), rmsprop()),
        (RMSprop(alpha=0.9, momentum=0.5, centered=True), rmsprop(alpha=0.9, momentum=0.5, centered=True)),
        (RMSpropTF(), rmsprop_tf()),
        (RMSpropTF(lr=1e-3, decay=0.95, eps=1e-6, momentum=0.9), rmsprop_tf(1e-3, 0.95, 1e-6, 0.9)),
        (SGD(), sgd()),
        (SGD(lr=0.1, momentum=0.9), sgd(0.1, 0.9)),
        (SGD(momentum=0.5, nesterov=True), sgd(momentum=0.5, nesterov=True)),
    ],
    ids=lambda value: value.notation() if isinstance(value, Optimizer) else "",
)
def test_version_1_takes_the_steps_of_its_formula(optimizer, steps):
    assert optimizer.version == 1
    np.testing.assert_allclose(START - trajectory(optimizer), np.cumsum(steps, axis=0), rtol=1e-9, atol=1e-15)


def test_sgd_weight_decay_shrinks_the_parameter_itself():
    path = trajectory(SGD(lr=0.1, weight_decay=0.5), gradients=np.zeros((3, 7)))
    np.testing.assert_allclose(path[-1], START * 0.95**3, rtol=1e-12)


@pytest.mark.parametrize("eps_hat", [False, True])
def test_the_two_places_of_eps_differ_by_the_bias_correction_at_the_first_step(eps_hat):
    """A gradient as large as eps: the first step is lr / 2 by torch and far smaller by TensorFlow."""
    moved = -trajectory(Adam(lr=1.0, eps_hat=eps_hat), gradients=np.full((1, 1), 1e-8), start=np.zeros(1))[0, 0]
    assert moved == pytest.approx(1 / (1 + 1 / math.sqrt(0.001)) if eps_hat else 0.5, rel=1e-6)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_follows_the_schedule_of_the_first_gan(nesterov):
    """lr 0.1, divided by 1.5 each update, is 0.01 from update 6 on; momentum rises from 0.5 to 0.7 in 20 updates."""
    t = np.arange(len(GRADIENTS))[:, None]
    rates, momenta = np.maximum(0.1 / 1.5**t, 0.01), np.minimum(0.5 + 0.01 * t, 0.7)
    assert rates[5] > 0.01 == rates[6] and momenta[19] < 0.7 == momenta[20]
    total, steps = 0.0, []
    for rate, momentum, gradient in zip(rates, momenta, GRADIENTS, strict=True):
        total = momentum * total + gradient
        steps.append(rate * (gradient + momentum * total if nesterov else total))
    rule = SGD(
        lr=0.1, lr_decay=1.5, min_lr=0.01, momentum=0.5, final_momentum=0.7, ramp=20, nesterov=nesterov
    )  # fmt: skip
    np.testing.assert_allclose(START - trajectory(rule), np.cumsum(steps, axis=0), rtol=1e-9, atol=1e-15)


def test_sgd_has_the_paper_s_rate_after_250_epochs_of_500_updates():
    path = trajectory(
        SGD(lr=0.1, lr_decay=1.000004**25_000, min_lr=1e-6), gradients=np.ones((6, 1)), start=np.zeros(1)
    )  # each update stands for 25,000
    assert path[4, 0] - path[5, 0] == pytest.approx(0.0607, abs=5e-5)


STEPS = (1, 10, 100, 1000)
DISPLACEMENTS = [  # (rule, gradient, displacement after 1, 10, 100, 1000 steps) at lr 2e-4, as printed
    (RMSpropTF, 1, ("2.0e-4", "2.0e-3", "2.0e-2", "0.2000")),
    (RMSprop, 1, ("2.0e-3", "1.01e-2", "4.05e-2", "0.2248")),
    (RMSpropTF, 1e-2, ("2.1e-6", "2.7e-5", "5.43e-3", "0.1852")),
    (RMSprop, 1e-2, ("2.0e-3", "1.01e-2", "4.05e-2", "0.2248")),
    (RMSpropTF, 1e-4, ("2e-8", "3e-7", "7.5e-5", "0.1670")),
    (RMSprop, 1e-4, ("2.0e-3", "1.01e-2", "4.05e-2", "0.2247")),
]


def half_a_unit(printed):
    """Half a unit in the last printed digit."""
    mantissa, _, exponent = printed.partition("e")
    return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


@pytest.mark.parametrize(("kind", "gradient", "printed"), DISPLACEMENTS)
def test_displacement_under_a_constant_gradient(kind, gradient, printed):
    path = -trajectory(kind(lr=2e-4), gradients=np.full((1000, 1), gradient, dtype=float), start=np.zeros(1))
    for step, text in zip(STEPS, printed, strict=True):
        assert path[step - 1, 0] == pytest.approx(float(text), abs=1.001 * half_a_unit(text)), f"after {step} steps"


@pytest.mark.parametrize("gradient", [1.0, 1e-2, 1e-4])
def test_displacement_is_the_sum_of_the_closed_form_of_v(gradient):
    t = np.arange(1, 1001)
    path = -trajectory(RMSpropTF(), gradients=np.full((1000, 1), gradient), start=np.zeros(1))[:, 0]
    v = 0.9**t + (1 - 0.9**t) * gradient**2
    np.testing.assert_allclose(path, np.cumsum(2e-4 * gradient / np.sqrt(v + 1e-10)), rtol=1e-9)
    path = -trajectory(RMSprop(), gradients=np.full((1000, 1), gradient), start=np.zeros(1))[:, 0]
    root = np.sqrt(1 - 0.99**t) * gradient
    np.testing.assert_allclose(path, np.cumsum(2e-4 * gradient / (root + 1e-8)), rtol=1e-9)
