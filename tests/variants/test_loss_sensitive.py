"""The loss-sensitive GAN: D is a loss, low for reals, and the margin grows with the distance of a pair."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganbench import testing
from ganbench.networks.mlp import MLP
from ganbench.variants.base import Batch, Player, Players
from ganbench.variants.loss_sensitive import LossSensitiveGAN
from tests.support.scores import SAME, losses, slopes, vector

pytestmark = pytest.mark.golden

# scores are samples, so with r = [2, -1] and f = [0.5, -0.5] L(r) = [2, 0], L(f) = [0.5, 0], distances [1.5, 0.5]
REAL, FAKE = [2.0, -1.0], [0.5, -0.5]


def test_anchor_values() -> None:
    """relu(1.5 m + 1.5) and relu(0.5 m): their mean is 0.75 + m."""
    assert LossSensitiveGAN.version == 1, "its numbers changed: derive the anchors anew"
    for margin_weight in (2e-4, 0.5):
        d_loss, g_loss = losses(LossSensitiveGAN(margin_weight=margin_weight), vector(REAL), vector(FAKE))
        assert d_loss.item() == pytest.approx(0.75 + margin_weight)
        assert g_loss.item() == pytest.approx(0.25)
    d_loss, _ = losses(LossSensitiveGAN(gamma=0.3), vector(REAL), vector(FAKE))
    assert d_loss.item() == pytest.approx(0.75 + 2e-4 + 0.3 * 1.0)


def test_a_margin_that_is_kept_costs_nothing() -> None:
    real, fake = vector([1.0, 0.0]), vector([1.5, 4.0])
    assert losses(LossSensitiveGAN(margin_weight=0.9), real, fake)[0].item() == 0.0
    assert losses(LossSensitiveGAN(margin_weight=1.1), real, fake)[0].item() == pytest.approx((0.05 + 0.4) / 2)


def test_pairs_are_by_index() -> None:
    straight, crossed = (losses(LossSensitiveGAN(), vector(REAL), vector(f))[0].item() for f in (FAKE, FAKE[::-1]))
    assert crossed == pytest.approx((2 + 2.5 * 2e-4) / 2 + 0.0) and abs(straight - crossed) > 0.1


def test_distance_is_summed_over_pixels() -> None:
    flat = Player(lambda params, x: 0 * x.flatten(1).sum(1), {})
    x = torch.ones(4, 3, 2, 5, dtype=torch.float64)
    terms = LossSensitiveGAN(margin_weight=0.1).d_loss(Players(SAME, flat), Batch(x, -x))
    assert terms["margin"].item() == pytest.approx(0.1 * 2 * 30)


def numpy_loss(w: np.ndarray, x: np.ndarray, z: np.ndarray, output: str) -> float:
    loss = (lambda t: np.maximum(t, 0)) if output == "relu" else (lambda t: np.logaddexp(0, t))
    real, fake = loss(x @ w), loss(z @ w)
    return float(0.2 * real.mean() + np.maximum(0, 0.7 * np.abs(x - z).sum(1) + real - fake).mean())


@pytest.mark.parametrize("output", ["relu", "softplus"])
def test_slope_in_the_weights(output: str) -> None:
    x = torch.tensor([[1.0, 0.5], [-0.4, 2.0], [0.7, 0.1]], dtype=torch.float64)
    z = torch.tensor([[0.2, -1.0], [1.5, 0.3], [0.6, 0.2]], dtype=torch.float64)
    weight = vector([3.0, 0.9]).requires_grad_()
    d = Player(lambda params, points: points @ params["w"], {"w": weight})
    variant = LossSensitiveGAN(gamma=0.2, margin_weight=0.7, output=output)
    total = torch.stack(list(variant.d_loss(Players(SAME, d), Batch(x, z)).values())).sum()
    expected = slopes(lambda w: numpy_loss(w, x.numpy(), z.numpy(), output), [3.0, 0.9])
    assert total.item() == pytest.approx(numpy_loss(np.array([3.0, 0.9]), x.numpy(), z.numpy(), output))
    assert torch.autograd.grad(total, weight)[0].tolist() == pytest.approx(expected, rel=1e-6)


def test_generator_lowers_the_loss_of_its_fakes() -> None:
    fake = vector([0.5, -0.5]).requires_grad_()
    (relu_slope,) = torch.autograd.grad(losses(LossSensitiveGAN(), vector(REAL), fake)[1], fake)
    (soft_slope,) = torch.autograd.grad(losses(LossSensitiveGAN(output="softplus"), vector(REAL), fake)[1], fake)
    assert relu_slope.tolist() == [0.5, 0.0]
    assert soft_slope.tolist() == pytest.approx([0.5 / (1 + math.exp(-f)) for f in (0.5, -0.5)])


def test_a_dead_relu_is_a_conflict() -> None:
    """With all scores below 0, relu has no gradient and training stops. Softplus always has one."""
    for output, moves in (("relu", False), ("softplus", True)):
        variant = LossSensitiveGAN(output=output)
        fake = vector([-1.0, -2.0]).requires_grad_()
        (slope,) = torch.autograd.grad(losses(variant, vector([-3.0, -1.0]), fake)[1], fake)
        assert bool(slope.any()) == moves
        spec = testing.small_run(variant=variant)
        without = variant.conflict(replace(spec, network=MLP(batchnorm="generator")))
        assert (without is None) == moves
        assert variant.conflict(replace(spec, network=MLP(batchnorm="discriminator"))) is None
