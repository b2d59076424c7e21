"""Every objective against published anchors and closed forms, in float64 on fixed scores."""

from __future__ import annotations

import math

import pytest
import torch

from ganbench.penalties.base import norm, scored, unit_norm_penalty
from ganbench.variants.base import Batch, Player, Players, Variant
from ganbench.variants.hinge import Hinge
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.minimax import Minimax
from ganbench.variants.ns import NonSaturating
from ganbench.variants.wgan import WGAN
from ganbench.variants.wgan_gp import WGANGP
from tests.support.scores import FAKE, LINEAR, REAL, SAME, SCORES, SQUARE, losses, vector

pytestmark = pytest.mark.golden

# (variant, its version, L_D, L_G) on r = [2, -1], f = [0.5, -0.5]
ANCHORS = [
    (Minimax(), 1, 1.444172, -0.724077),
    (NonSaturating(), 1, 1.444172, 0.724077),
    (LSGAN(), 1, 1.375, 0.625),
    (LSGAN(reduction="half_sum"), 1, 2.75, 1.25),
    (LSGAN(reduction="mean"), 1, 2.75, 1.25),
    (LSGAN(a=-1, b=1, c=0), 1, 1.875, 0.125),
    (LSGAN(a=-1, b=1, c=0, reduction="half_sum"), 1, 3.75, 0.25),
    (Hinge(), 1, 2.0, 0.0),
    (WGAN(), 1, -0.5, 0.0),
    (WGANGP(), 1, -0.5, 0.0),
]


@pytest.mark.parametrize(("variant", "version", "d", "g"), ANCHORS, ids=str)
def test_anchor_values(variant: Variant, version: int, d: float, g: float) -> None:
    assert variant.version == version, "its numbers changed: derive the anchors anew"
    d_loss, g_loss = losses(variant, vector(REAL), vector(FAKE))
    assert d_loss.item() == pytest.approx(d, abs=5e-7)
    assert g_loss.item() == pytest.approx(g, abs=5e-7)


def sigmoid(t: float) -> float:
    return 1 / (1 + math.exp(-t))


# the derivatives of each loss by hand: (dL_D/dr, dL_D/df, dL_G/df) of one score in a batch of two
GRADIENTS = [
    (Minimax(), lambda r: -sigmoid(-r) / 2, lambda f: sigmoid(f) / 2, lambda f: -sigmoid(f) / 2),
    (NonSaturating(), lambda r: -sigmoid(-r) / 2, lambda f: sigmoid(f) / 2, lambda f: -sigmoid(-f) / 2),
    (LSGAN(), lambda r: (r - 1) / 2, lambda f: f / 2, lambda f: (f - 1) / 2),
    (LSGAN(a=-1, b=1, c=0), lambda r: (r - 1) / 2, lambda f: (f + 1) / 2, lambda f: f / 2),
    (LSGAN(reduction="half_sum"), lambda r: r - 1, lambda f: f, lambda f: f - 1),
    (Hinge(), lambda r: -(r < 1) / 2, lambda f: (f > -1) / 2, lambda f: -1 / 2),
    (WGAN(), lambda r: -1 / 2, lambda f: 1 / 2, lambda f: -1 / 2),
]


@pytest.mark.parametrize("case", GRADIENTS, ids=lambda case: case[0].notation())
def test_gradients_by_hand(case: tuple) -> None:
    variant, real_slope, fake_slope, g_slope = case
    real, fake = vector(REAL).requires_grad_(), vector(FAKE).requires_grad_()
    d_loss, g_loss = losses(variant, real, fake)
    d_real, d_fake = torch.autograd.grad(d_loss, (real, fake), retain_graph=True)
    (g_fake,) = torch.autograd.grad(g_loss, fake)
    assert d_real.tolist() == pytest.approx([real_slope(r) for r in REAL])
    assert d_fake.tolist() == pytest.approx([fake_slope(f) for f in FAKE])
    assert g_fake.tolist() == pytest.approx([g_slope(f) for f in FAKE])


# at p_g = p_data D* is known (ALGORITHMS of the papers): the same score for everything
EQUILIBRIA = [
    (Minimax(), 0.0, 2 * math.log(2), -math.log(2)),
    (NonSaturating(), 0.0, 2 * math.log(2), math.log(2)),
    (LSGAN(), 0.5, 0.25, 0.125),
    (LSGAN(a=-1, b=1, c=0), 0.0, 1.0, 0.0),
    (Hinge(), 0.0, 2.0, 0.0),
]


@pytest.mark.parametrize(("variant", "score", "d", "g"), EQUILIBRIA, ids=str)
def test_equilibrium(variant: Variant, score: float, d: float, g: float) -> None:
    scores = torch.full((5,), score, dtype=torch.float64, requires_grad=True)
    fakes = scores.detach().clone().requires_grad_()
    d_loss, g_loss = losses(variant, scores, fakes)
    assert (d_loss.item(), g_loss.item()) == pytest.approx((d, g))
    if not isinstance(variant, Hinge):  # for smooth losses the best D has no slope when both sides move together
        slope = sum(grad.sum() for grad in torch.autograd.grad(d_loss, (scores, fakes)))
        assert float(slope) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("variant", [Minimax(), NonSaturating()])
def test_saturated_scores_stay_finite(variant: Variant) -> None:
    """`-log(sigmoid(x) + 1e-8)` loses value and gradient at |x| = 100; softplus doesn't."""
    real, fake = vector([100.0, -100.0]).requires_grad_(), vector([100.0, -100.0]).requires_grad_()
    d_loss, g_loss = losses(variant, real, fake)
    assert d_loss.item() == pytest.approx(100.0)
    slopes = torch.autograd.grad(d_loss + g_loss, (real, fake))
    assert all(slope.isfinite().all() for slope in slopes)
    assert slopes[0].tolist() == pytest.approx([0.0, -0.5], abs=1e-12)


def g_slope(variant: Variant, scores: list[float], step: float) -> list[float]:
    """The slope of L_G by each fake's score, at a step."""
    fakes = vector(scores)[:, None].requires_grad_()
    batch = Batch(fakes, fakes, step=torch.tensor(step, dtype=torch.float64))
    (loss,) = variant.g_loss(Players(SAME, SCORES), batch).values()
    slopes: list[float] = torch.autograd.grad(loss, fakes)[0][:, 0].tolist()
    return slopes


STRONG, SATURATING = [-sigmoid(-f) / 2 for f in FAKE], [-sigmoid(f) / 2 for f in FAKE]  # at a mean D(G(z)) of 1/2


@pytest.mark.parametrize(
    ("variant", "step", "slopes"),
    [
        (Minimax(), 1, SATURATING),
        (Minimax(early_steps=3), 3, STRONG),
        (Minimax(early_steps=3), 4, SATURATING),
        (Minimax(early_below=0.51), 1000, STRONG),
        (Minimax(early_below=0.49), 1, SATURATING),
        (Minimax(early_below=0.49, early_steps=3), 1, STRONG),
    ],
    ids=str,
)
def test_the_early_stage_of_minimax(variant: Variant, step: float, slopes: list[float]) -> None:
    assert g_slope(variant, FAKE, step) == pytest.approx(slopes)


def test_the_early_stage_is_decided_by_the_mean_of_d_not_by_d_of_the_mean_score() -> None:
    scores = [-9.0, 1.0, 1.0, 1.0]  # the mean score is -1.5, where D is 0.18; the mean of D is 0.548
    assert g_slope(Minimax(early_below=0.5), scores, 1) == pytest.approx([-sigmoid(f) / 4 for f in scores])
    assert g_slope(Minimax(early_below=0.56), scores, 1) == pytest.approx([-sigmoid(-f) / 4 for f in scores])


def test_a_blend_of_both_losses_is_their_mean_with_the_share_as_weight() -> None:
    slopes = g_slope(NonSaturating(minimax_share=0.25), FAKE, 1)
    assert slopes == pytest.approx([0.75 * a + 0.25 * b for a, b in zip(STRONG, SATURATING, strict=True)])


def test_lsgan_has_no_sigmoid() -> None:
    d_loss, _ = losses(LSGAN(), vector([3.9]), vector([0.0]))
    assert d_loss.item() == pytest.approx((3.9 - 1) ** 2 / 2)


def test_lsgan_averages_squares_not_squares_averages() -> None:
    d_loss, _ = losses(LSGAN(), vector([3.0, -1.0]), vector([0.0, 0.0]))  # mean 1 would give 0
    assert d_loss.item() == pytest.approx(2.0)


@pytest.mark.parametrize("n", [1, 2, 64])
def test_lsgan_sum_is_batch_size_times_the_mean(n: int) -> None:
    real, fake = torch.linspace(-2, 2, n, dtype=torch.float64), torch.linspace(1, 3, n, dtype=torch.float64)
    mean, total = losses(LSGAN(), real, fake), losses(LSGAN(reduction="half_sum"), real, fake)
    assert total[0].item() == pytest.approx(n * mean[0].item())
    assert total[1].item() == pytest.approx(n * mean[1].item())


def test_penalty_of_a_linear_critic() -> None:
    """D(x) = 3 x1 + 4 x2 has gradient norm 5 everywhere: 10 (5 - 1)^2 = 160."""
    points = torch.randn(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert norm(scored(LINEAR, points).gradient).tolist() == pytest.approx([5.0] * 7)
    assert 10 * unit_norm_penalty(LINEAR, points).item() == pytest.approx(160.0)
    batch = Batch(points, points, {"share": torch.rand(7, dtype=torch.float64)})
    terms = WGANGP().d_loss(Players(SAME, LINEAR), batch)
    assert terms["penalty"].item() == pytest.approx(160.0)
    assert WGANGP(gp_weight=0.1).d_loss(Players(SAME, LINEAR), batch)["penalty"].item() == pytest.approx(1.6)


def test_penalty_is_taken_between_real_and_fake() -> None:
    """With D(x) = |x|^2 / 2 the gradient norm at x^ is |x^|: the points can be read off the penalty."""
    real, fake = torch.full((3, 1), 5.0, dtype=torch.float64), torch.full((3, 1), 1.0, dtype=torch.float64)
    share = vector([0.0, 0.25, 1.0])  # x^ = 1, 2, 5
    penalty = WGANGP(gp_weight=1).d_loss(Players(SAME, SQUARE), Batch(real, fake, {"share": share}))["penalty"]
    assert penalty.item() == pytest.approx(((1 - 1) ** 2 + (2 - 1) ** 2 + (5 - 1) ** 2) / 3)


def test_penalty_gradient_is_finite_where_the_critic_is_flat() -> None:
    weight = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    flat = Player(lambda params, x: x @ params["w"], {"w": weight})
    penalty = unit_norm_penalty(flat, torch.ones(4, 2, dtype=torch.float64))
    (slope,) = torch.autograd.grad(penalty, weight)
    assert penalty.item() == pytest.approx(1.0, abs=1e-5) and slope.isfinite().all()


def test_clipping() -> None:
    params = {"w": vector([-1.0, 0.005, 1.0]), "b": vector([0.02])}
    WGAN().constrain(params)
    assert params["w"].tolist() == [-0.01, 0.005, 0.01] and params["b"].tolist() == [0.01]


def test_critic_steps_of_the_authors() -> None:
    """100 in each of the first 25 generator iterations and at every 500th, else 5."""
    authors = WGAN(warmup=25, refresh=500)
    steps = {step for step in range(1, 1101) if authors.d_steps(step) == 100}
    assert steps == {*range(1, 26), 501, 1001}
    assert all(authors.d_steps(step) == 5 for step in range(1, 1101) if step not in steps)
    assert {WGAN().d_steps(step) for step in range(1, 1101)} == {5}
