"""Relativistic objectives: anchors, gradients, equilibria, and what tells them from the others."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.variants.base import Variant
from ganbench.variants.r3gan import R3GAN
from ganbench.variants.rahinge import RaHinge
from ganbench.variants.ralsgan import RaLSGAN
from ganbench.variants.rasgan import RaSGAN
from ganbench.variants.rsgan import RSGAN
from tests.support.scores import FAKE, REAL, losses, name, slopes, vector

pytestmark = pytest.mark.golden

PAIRED = [RSGAN(), R3GAN()]
AVERAGED = [RaSGAN(), RaLSGAN(), RaHinge()]
EVERY = [*PAIRED, *AVERAGED]
every = pytest.mark.parametrize("variant", EVERY, ids=str)

# (variant, its version, L_D, L_G) on r = [2, -1], f = [0.5, -0.5]
ANCHORS = [
    (RSGAN(), 1, 0.587745, 1.087745),
    (R3GAN(), 1, 0.587745, 1.087745),
    (RaSGAN(), 1, 1.223299, 2.223299),
    (RaSGAN(halve=True), 1, 0.6116495, 1.1116495),
    (RaLSGAN(), 1, 3.0, 7.0),
    (RaLSGAN(halve=True), 1, 1.5, 3.5),
    (RaHinge(), 1, 1.5, 3.0),
    (RaHinge(halve=True), 1, 0.75, 1.5),
]


@pytest.mark.parametrize(("variant", "version", "d", "g"), ANCHORS, ids=str)
def test_anchor_values(variant: Variant, version: int, d: float, g: float) -> None:
    assert variant.version == version, "its numbers changed: derive the anchors anew"
    d_loss, g_loss = losses(variant, vector(REAL), vector(FAKE))
    assert (d_loss.item(), g_loss.item()) == pytest.approx((d, g), abs=5e-7)


def sp(t: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, t)


def hinge(t: np.ndarray) -> np.ndarray:
    return np.maximum(0, 1 - t)


@dataclass(frozen=True)
class Side:
    """What a margin costs the player that wants it high (`up`), and the player that wants it low (`down`)."""

    up: Callable[[np.ndarray], np.ndarray]
    down: Callable[[np.ndarray], np.ndarray]


SIDES = {
    RaSGAN(): Side(lambda t: sp(-t), sp),
    RaLSGAN(): Side(lambda t: (t - 1) ** 2, lambda t: (t + 1) ** 2),
    RaHinge(): Side(hinge, lambda t: hinge(-t)),
}


def averaged(side: Side, real: np.ndarray, fake: np.ndarray) -> float:
    """L_D in NumPy; L_G is the same with real and fake swapped."""
    return float(side.up(real - fake.mean()).mean() + side.down(fake - real.mean()).mean())


@pytest.mark.parametrize("variant", AVERAGED, ids=str)
@pytest.mark.parametrize("parts", [1, 2])
def test_gradients_of_the_averages_flow_too(variant: Variant, parts: int) -> None:
    """Every derivative, of scores within the averages included, against finite differences of the equations."""
    side = SIDES[variant]
    real, fake = vector([2.0, -1.3, 0.2]).requires_grad_(), vector([0.5, -0.4, 1.1]).requires_grad_()
    r, f = real.detach().numpy(), fake.detach().numpy()
    d_loss, g_loss = losses(replace(variant, halve=parts == 2), real, fake)
    assert d_loss.item() == pytest.approx(averaged(side, r, f) / parts)
    assert g_loss.item() == pytest.approx(averaged(side, f, r) / parts)
    d_real, d_fake = torch.autograd.grad(d_loss, (real, fake), retain_graph=True)
    (g_fake,) = torch.autograd.grad(g_loss, fake)
    by_real, by_fake = slopes(lambda x: averaged(side, x, f), r.tolist()), slopes(lambda x: averaged(side, r, x), f)
    assert d_real.numpy() * parts == pytest.approx(by_real, abs=1e-8)
    assert d_fake.numpy() * parts == pytest.approx(by_fake, abs=1e-8)
    assert g_fake.numpy() * parts == pytest.approx(slopes(lambda x: averaged(side, x, r), f.tolist()), abs=1e-8)


@pytest.mark.parametrize("variant", PAIRED, ids=str)
def test_gradients_of_pairs_by_hand(variant: Variant) -> None:
    """dL_D/dr = -sigma(f - r)/n = -dL_D/df and dL_G/df = -sigma(r - f)/n, each pair for itself."""
    real, fake = vector(REAL).requires_grad_(), vector(FAKE).requires_grad_()
    d_loss, g_loss = losses(variant, real, fake)
    d_real, d_fake = torch.autograd.grad(d_loss, (real, fake))
    (g_fake,) = torch.autograd.grad(g_loss, fake)
    margins = [r - f for r, f in zip(REAL, FAKE, strict=True)]
    assert d_fake.tolist() == pytest.approx([1 / (1 + math.exp(m)) / 2 for m in margins])
    assert d_real.tolist() == pytest.approx((-d_fake).tolist())
    assert g_fake.tolist() == pytest.approx([-1 / (1 + math.exp(-m)) / 2 for m in margins])


EQUILIBRIA = [
    (RSGAN(), math.log(2)),
    (R3GAN(), math.log(2)),
    (RaSGAN(), 2 * math.log(2)),
    (RaSGAN(halve=True), math.log(2)),
    (RaLSGAN(), 2.0),
    (RaHinge(), 2.0),
]


@pytest.mark.parametrize(("variant", "loss"), EQUILIBRIA, ids=name)
@pytest.mark.parametrize("score", [0.0, -3.0, 40.0])
def test_equilibrium(variant: Variant, loss: float, score: float) -> None:
    """Where D is constant both players pay the same, whatever the constant."""
    same = torch.full((5,), score, dtype=torch.float64)
    d_loss, g_loss = losses(variant, same, same.clone())
    assert (d_loss.item(), g_loss.item()) == pytest.approx((loss, loss))


scores = st.lists(st.floats(-5, 5), min_size=3, max_size=3)


@every
@given(real=scores, fake=scores, shift=st.floats(-20, 20))
def test_only_differences_count(variant: Variant, real: list[float], fake: list[float], shift: float) -> None:
    here = losses(variant, vector(real), vector(fake))
    there = losses(variant, vector(real) + shift, vector(fake) + shift)
    assert [loss.item() for loss in there] == pytest.approx([loss.item() for loss in here], rel=1e-9, abs=1e-9)


@every
@given(real=scores, fake=scores)
def test_the_players_swap_roles(variant: Variant, real: list[float], fake: list[float]) -> None:
    d_loss, g_loss = losses(variant, vector(real), vector(fake))
    d_swapped, g_swapped = losses(variant, vector(fake), vector(real))
    assert (d_swapped.item(), g_swapped.item()) == pytest.approx((g_loss.item(), d_loss.item()))


@every
def test_pairs_are_by_index_and_averages_are_not(variant: Variant) -> None:
    straight, crossed = (losses(variant, vector(REAL), vector(fake))[0].item() for fake in (FAKE, FAKE[::-1]))
    assert (abs(straight - crossed) > 1e-3) == (variant in PAIRED)


@every
def test_saturated_scores_stay_finite(variant: Variant) -> None:
    real, fake = vector([100.0, -100.0]).requires_grad_(), vector([-100.0, 100.0]).requires_grad_()
    total = torch.stack(losses(variant, real, fake)).sum()
    assert total.isfinite() and total > 1
    assert all(slope.isfinite().all() for slope in torch.autograd.grad(total, (real, fake)))


@every
@pytest.mark.parametrize("n", [1, 2, 64])
def test_a_repeated_batch_costs_the_same(variant: Variant, n: int) -> None:
    """Means, not sums: the loss doesn't grow with the batch."""
    once = losses(variant, vector(REAL), vector(FAKE))
    many = losses(variant, vector(REAL * n), vector(FAKE * n))
    assert [loss.item() for loss in many] == pytest.approx([loss.item() for loss in once])
