"""The options of `ns`: smoothed targets and a share of the minimax generator loss."""

from __future__ import annotations

import math

import pytest
import torch

from ganbench.variants.minimax import Minimax
from ganbench.variants.ns import NonSaturating
from tests.support.scores import FAKE, REAL, losses, vector

pytestmark = pytest.mark.golden


def sigmoid(t: float) -> float:
    return 1 / (1 + math.exp(-t))


def sp(t: float) -> float:
    return math.log1p(math.exp(t))


def test_anchor_of_smoothing() -> None:
    smoothed = NonSaturating(real_target=0.9)
    assert smoothed.version == 1, "its numbers changed: derive the anchors anew"
    d_loss, g_loss = losses(smoothed, vector(REAL), vector(FAKE))
    assert (d_loss.item(), g_loss.item()) == pytest.approx((1.494172, 0.724077), abs=5e-7)


@pytest.mark.parametrize("target", [0.0, 0.25, 0.75, 0.9, 1.0])
def test_value_and_slope_of_a_smoothed_target_by_hand(target: float) -> None:
    """t sp(-r) + (1 - t) sp(r) has the slope sigma(r) - t; the fakes' target stays 0."""
    real, fake = vector(REAL).requires_grad_(), vector(FAKE).requires_grad_()
    d_loss, _ = losses(NonSaturating(real_target=target), real, fake)
    expected = sum(target * sp(-r) + (1 - target) * sp(r) for r in REAL) / 2 + sum(map(sp, FAKE)) / 2
    assert d_loss.item() == pytest.approx(expected)
    d_real, d_fake = torch.autograd.grad(d_loss, (real, fake))
    assert d_real.tolist() == pytest.approx([(sigmoid(r) - target) / 2 for r in REAL])
    assert d_fake.tolist() == pytest.approx([sigmoid(f) / 2 for f in FAKE])


@pytest.mark.parametrize("target", [0.75, 0.9, 1.0])
def test_the_best_discriminator_has_no_slope(target: float) -> None:
    """At p_g = p_data it is D* = t p_data / (p_data + p_g) = t / 2, one-sided smoothing moves it and nothing else."""
    best = torch.full((4,), math.log(target / (2 - target)), dtype=torch.float64).requires_grad_()
    d_loss, _ = losses(NonSaturating(real_target=target), best, best)
    assert torch.autograd.grad(d_loss, best)[0].tolist() == pytest.approx([0.0] * 4, abs=1e-12)


@pytest.mark.parametrize("target", [0.0, 0.375, 1.0])
def test_value_and_slope_of_the_generators_target_by_hand(target: float) -> None:
    """t sp(-f) + (1 - t) sp(f) has the slope sigma(f) - t."""
    fake = vector(FAKE).requires_grad_()
    _, g_loss = losses(NonSaturating(g_target=target), vector(REAL), fake)
    assert g_loss.item() == pytest.approx(sum(target * sp(-f) + (1 - target) * sp(f) for f in FAKE) / 2)
    (slope,) = torch.autograd.grad(g_loss, fake)
    assert slope.tolist() == pytest.approx([(sigmoid(f) - target) / 2 for f in FAKE])


def test_the_imagenet_targets_agree() -> None:
    """Where both densities are equal the best D says 0.75 / 2, which is what G wants to hear: neither has a slope."""
    best = torch.full((4,), math.log(0.375 / 0.625), dtype=torch.float64).requires_grad_()
    for loss in losses(NonSaturating(real_target=0.75, g_target=0.375), best, best):
        assert torch.autograd.grad(loss, best)[0].tolist() == pytest.approx([0.0] * 4, abs=1e-12)


def test_smoothed_saturated_scores_stay_finite() -> None:
    real, fake = vector([100.0, -100.0]).requires_grad_(), vector([100.0, -100.0]).requires_grad_()
    d_loss, _ = losses(NonSaturating(real_target=0.9), real, fake)
    assert d_loss.item() == pytest.approx((0.1 * 100 + 0.9 * 100) / 2 + 100 / 2)
    slope = torch.autograd.grad(d_loss, real)[0]
    assert slope.tolist() == pytest.approx([0.1 / 2, -0.9 / 2])


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_a_share_of_the_minimax_loss_by_hand(share: float) -> None:
    """(1 - s) sp(-f) - s sp(f) has the slope -(1 - s) sigma(-f) - s sigma(f)."""
    fakes = [0.7, -1.5]
    fake = vector(fakes).requires_grad_()
    _, g_loss = losses(NonSaturating(minimax_share=share), vector(REAL), fake)
    assert g_loss.item() == pytest.approx(sum((1 - share) * sp(-f) - share * sp(f) for f in fakes) / 2)
    (slope,) = torch.autograd.grad(g_loss, fake)
    assert slope.tolist() == pytest.approx([(-(1 - share) * sigmoid(-f) - share * sigmoid(f)) / 2 for f in fakes])


def test_the_whole_share_is_minimax_to_the_bit() -> None:
    ours, theirs = (losses(one, vector(REAL), vector(FAKE)) for one in (NonSaturating(minimax_share=1.0), Minimax()))
    assert [loss.item() for loss in ours] == [loss.item() for loss in theirs]


def test_the_defaults_are_the_plain_losses_to_the_bit() -> None:
    real, fake = torch.randn(2, 64, generator=torch.Generator().manual_seed(0)).unbind()
    d_loss, g_loss = losses(NonSaturating(), real, fake)
    softplus = torch.nn.functional.softplus
    assert torch.equal(d_loss, softplus(-real).mean() + softplus(fake).mean())
    assert torch.equal(g_loss, softplus(-fake).mean())
