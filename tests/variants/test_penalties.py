"""Objectives with gradient penalties: how strong, at which points, and what they do to D's weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.datasets.base import Space
from ganbench.networks.mlp import MLP
from ganbench.penalties.base import scored
from ganbench.variants.base import Batch, Draw, Player, Players, Variant
from ganbench.variants.dragan import DRAGAN
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.lsgan_gp import LSGANGP
from ganbench.variants.ns import NonSaturating
from ganbench.variants.r1 import R1
from ganbench.variants.r3gan import R3GAN
from ganbench.variants.wgan_gp import WGANGP
from tests.support.scores import FAKE, LINEAR, REAL, SAME, SQUARE, losses, name, penalties, silent, slopes, vector

pytestmark = pytest.mark.golden

PENALISED = [R1(), R1(on="fake"), R1(on="both"), R3GAN(), DRAGAN(), DRAGAN(symmetric=True), LSGANGP(), WGANGP()]
every = pytest.mark.parametrize("variant", PENALISED, ids=str)

# (variant, its version, L_D, L_G without the penalty) on r = [2, -1], f = [0.5, -0.5]
ANCHORS = [
    (R1(), 1, 1.444172, 0.724077),
    (R1(on="both", convention="full"), 1, 1.444172, 0.724077),
    (DRAGAN(), 1, 1.444172, 0.724077),
    (LSGANGP(), 1, 2.75, 1.25),
    (LSGANGP(reduction="half_mean"), 1, 1.375, 0.625),
    (LSGANGP(a=-1, b=1, c=0), 1, 3.75, 0.25),
]


@pytest.mark.parametrize(("variant", "version", "d", "g"), ANCHORS, ids=str)
def test_anchor_values(variant: Variant, version: int, d: float, g: float) -> None:
    assert variant.version == version, "its numbers changed: derive the anchors anew"
    d_loss, g_loss = losses(variant, vector(REAL), vector(FAKE))
    assert (d_loss.item(), g_loss.item()) == pytest.approx((d, g), abs=5e-7)


TWINS = [
    (R1(), NonSaturating()),
    (R1(on="fake"), NonSaturating()),
    (DRAGAN(), NonSaturating()),
    (LSGANGP(), LSGAN(reduction="half_sum")),
    (LSGANGP(reduction="mean"), LSGAN(reduction="mean")),
    (LSGANGP(a=-1, b=1, c=0, reduction="half_mean"), LSGAN(a=-1, b=1, c=0)),
]


@pytest.mark.parametrize(("variant", "plain"), TWINS, ids=str)
def test_without_the_penalty_it_is_the_plain_objective(variant: Variant, plain: Variant) -> None:
    """Values and slopes, at saturated scores too."""
    found = []
    for one in (variant, plain):
        real, fake = vector([3.9, -100.0, 100.0]).requires_grad_(), vector([0.0, 100.0, -100.0]).requires_grad_()
        d_loss, g_loss = losses(one, real, fake)
        found.append([d_loss, g_loss, *torch.autograd.grad(d_loss + g_loss, (real, fake))])
    for ours, expected in zip(*found, strict=True):
        assert ours.isfinite().all() and torch.equal(ours, expected)


# --- how strong: D(x) = 3 x1 + 4 x2 has gradient norm 5 everywhere ---

STRENGTHS = [
    (R1(), {"real_penalty": 125.0}),
    (R1(convention="full"), {"real_penalty": 250.0}),
    (R1(gamma=20), {"real_penalty": 250.0}),
    (R1(on="fake"), {"fake_penalty": 125.0}),
    (R1(on="both"), {"real_penalty": 125.0, "fake_penalty": 125.0}),
    (R3GAN(), {"real_penalty": 125.0, "fake_penalty": 125.0}),
    (R3GAN(gamma=0.05), {"real_penalty": 0.625, "fake_penalty": 0.625}),
    (DRAGAN(), {"penalty": 160.0}),
    (DRAGAN(symmetric=True), {"penalty": 160.0}),
    (LSGANGP(), {"penalty": 2400.0}),
    (LSGANGP(reduction="half_mean", gp_weight=1), {"penalty": 16.0}),
]


@pytest.mark.parametrize(("variant", "expected"), STRENGTHS, ids=str)
@pytest.mark.parametrize("n", [1, 7])
def test_penalty_of_a_linear_discriminator(variant: Variant, expected: dict[str, float], n: int) -> None:
    points = torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert penalties(variant, LINEAR, Batch(points, -points, silent(variant, points))) == pytest.approx(expected)


@pytest.mark.parametrize(("variant", "name"), [(R1(gamma=2), "real_penalty"), (R3GAN(gamma=2), "fake_penalty")])
def test_zero_centred_norms_are_summed_over_pixels(variant: Variant, name: str) -> None:
    total = Player(lambda params, x: x.flatten(1).sum(1), {})
    images = torch.zeros(5, 3, 2, 4, dtype=torch.float64)
    assert penalties(variant, total, Batch(images, images))[name] == pytest.approx(3 * 2 * 4)


# --- where: D(x) = |x|^2 / 2 has gradient x, so the points can be read off the penalty ---


def column(values: list[float]) -> Tensor:
    return vector(values)[:, None]


def test_r1_is_at_reals_and_r2_at_fakes() -> None:
    batch = Batch(column([1.0, 3.0]), column([0.0, 4.0]))  # E x^2 = 5, E G(z)^2 = 8
    assert penalties(R1(gamma=2), SQUARE, batch) == pytest.approx({"real_penalty": 5.0})
    assert penalties(R1(gamma=2, on="fake"), SQUARE, batch) == pytest.approx({"fake_penalty": 8.0})
    for variant in (R1(gamma=2, on="both"), R3GAN(gamma=2)):
        assert penalties(variant, SQUARE, batch) == pytest.approx({"real_penalty": 5.0, "fake_penalty": 8.0})


def test_dragan_is_around_reals_by_a_share_of_the_deviation_of_the_whole_batch() -> None:
    x = torch.tensor([[-1.0, 3.0], [-1.0, 3.0]], dtype=torch.float64)  # deviation 2, though each column has none
    noise = {"share": vector([0.5, 1.0]), "direction": torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)}
    reach = 0.5 * 2
    points = np.array([[-1 + 0.5 * reach, 3], [-1, 3 + 1.0 * reach]])
    expected = 10 * ((np.linalg.norm(points, axis=1) - 1) ** 2).mean()
    assert penalties(DRAGAN(), SQUARE, Batch(x, 100 * x, noise)) == pytest.approx({"penalty": expected})


def test_symmetric_noise_goes_both_ways() -> None:
    """Draws of 0, 1/2 and 1 are displacements by -1, 0 and 1 times the reach."""
    x, share = column([-1.0, 1.0, 0.0]), vector([1.0, 1.0, 1.0])
    reach = 0.5 * (2 / 3) ** 0.5
    batch = Batch(x, x, {"share": share, "direction": column([0.0, 0.5, 1.0])})
    for variant, points in ((DRAGAN(symmetric=True), [-1 - reach, 1, reach]), (DRAGAN(), [-1, 1 + reach / 2, reach])):
        expected = 10 * np.mean([(abs(point) - 1) ** 2 for point in points])
        assert penalties(variant, SQUARE, batch) == pytest.approx({"penalty": expected})


def test_lsgan_gp_is_far_around_reals() -> None:
    batch = Batch(
        column([-1.0, 1.0]), column([50.0, 60.0]), {"share": vector([0.1, 0.5]), "direction": column([0.5, 0.2])}
    )
    points = [-1 + 0.1 * 30 * 0.5, 1 + 0.5 * 30 * 0.2]
    expected = 150 * np.mean([(abs(point) - 1) ** 2 for point in points])
    assert penalties(LSGANGP(), SQUARE, batch) == pytest.approx({"penalty": expected})


@pytest.mark.parametrize("variant", [DRAGAN(), LSGANGP()], ids=str)
def test_one_share_a_sample_and_one_direction_a_number(variant: Variant) -> None:
    asked = variant.noise(6, Space((3, 8, 8)))
    assert asked == {"share": Draw((6,), "uniform"), "direction": Draw((6, 3, 8, 8), "uniform")}


# --- what it does to D's weights ---

WEIGHTS = vector([0.3, -0.8])
X = torch.tensor([[1.0, 0.5], [-0.4, 2.0], [0.7, 0.1]], dtype=torch.float64)
Z = torch.tensor([[0.2, -1.0], [1.5, 0.3], [-0.6, 0.9]], dtype=torch.float64)


def tanh_d(weight: Tensor) -> Player:
    return Player(lambda params, x: torch.tanh(x @ params["w"]), {"w": weight})


def tanh_gradients(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The input gradients of D(x) = tanh(w x): (1 - tanh^2) w, one row a sample."""
    return (1 - np.tanh(x @ w) ** 2)[:, None] * w


def zero_centred(w: np.ndarray, x: np.ndarray) -> float:
    return float((tanh_gradients(w, x) ** 2).sum(1).mean())


def one_centred(w: np.ndarray, x: np.ndarray) -> float:
    return float(((np.linalg.norm(tanh_gradients(w, x), axis=1) - 1) ** 2).mean())


def logistic(w: np.ndarray) -> float:
    return float(np.logaddexp(0, -np.tanh(X.numpy() @ w)).mean() + np.logaddexp(0, np.tanh(Z.numpy() @ w)).mean())


def paired(w: np.ndarray) -> float:
    return float(np.logaddexp(0, np.tanh(Z.numpy() @ w) - np.tanh(X.numpy() @ w)).mean())


def squared(w: np.ndarray) -> float:
    return float(((np.tanh(X.numpy() @ w) - 1) ** 2).sum() / 2 + (np.tanh(Z.numpy() @ w) ** 2).sum() / 2)


NOISE = {"share": vector([0.1, 0.6, 0.9]), "direction": (X + Z).abs() / 3}
NEAR, FAR = (
    (X + scale * NOISE["share"][:, None] * NOISE["direction"]).numpy() for scale in (0.5 * np.std(X.numpy()), 30 / 20)
)
WHOLE: list[tuple[Variant, Callable[[np.ndarray], float]]] = [
    (R1(), lambda w: logistic(w) + 5 * zero_centred(w, X.numpy())),
    (R1(on="fake", convention="full"), lambda w: logistic(w) + 10 * zero_centred(w, Z.numpy())),
    (R1(on="both"), lambda w: logistic(w) + 5 * zero_centred(w, X.numpy()) + 5 * zero_centred(w, Z.numpy())),
    (R3GAN(), lambda w: paired(w) + 5 * zero_centred(w, X.numpy()) + 5 * zero_centred(w, Z.numpy())),
    (DRAGAN(), lambda w: logistic(w) + 10 * one_centred(w, NEAR)),
    (LSGANGP(scale=1.5), lambda w: squared(w) + 150 * one_centred(w, FAR)),
]


@pytest.mark.parametrize(("variant", "formula"), WHOLE, ids=name)
def test_whole_loss_and_its_slope_in_the_weights(variant: Variant, formula: Callable[[np.ndarray], float]) -> None:
    """The second derivatives of D that a penalty needs, against finite differences of the whole loss in NumPy."""
    weight = WEIGHTS.clone().requires_grad_()
    terms = variant.d_loss(Players(SAME, tanh_d(weight)), Batch(X, Z, NOISE))
    total = torch.stack(list(terms.values())).sum()
    (slope,) = torch.autograd.grad(total, weight)
    assert total.item() == pytest.approx(formula(WEIGHTS.numpy()))
    assert slope.tolist() == pytest.approx(slopes(formula, WEIGHTS.tolist()), rel=1e-6)


def test_slopes_of_a_linear_discriminator_by_hand() -> None:
    """Of gamma/2 |w|^2: gamma w. Of lambda (|w| - 1)^2: 2 lambda (|w| - 1) w / |w|."""
    for variant, expected in ((R1(), [30, 40]), (R3GAN(), [60, 80]), (DRAGAN(), [48, 64]), (LSGANGP(), [720, 960])):
        weight = vector([3.0, 4.0]).requires_grad_()
        linear = Player(lambda params, x: x @ params["w"], {"w": weight})
        terms = variant.d_loss(Players(SAME, linear), Batch(X, Z, silent(variant, X)))
        total = torch.stack([term for name, term in terms.items() if "penalty" in name]).sum()
        assert torch.autograd.grad(total, weight)[0].tolist() == pytest.approx(expected)


@every
def test_slope_is_finite_where_the_discriminator_is_flat(variant: Variant) -> None:
    weight = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    terms = variant.d_loss(Players(SAME, tanh_d(weight)), Batch(X, Z, silent(variant, X)))
    total = torch.stack(list(terms.values())).sum()
    assert total.isfinite() and torch.autograd.grad(total, weight)[0].isfinite().all()


def test_one_pass_gives_scores_and_gradients() -> None:
    score, gradient = scored(SQUARE, X)
    assert torch.equal(score, X.square().sum(1) / 2) and torch.equal(gradient, X)


@every
def test_batch_norm_in_the_discriminator_is_refused(variant: Variant) -> None:
    spec = testing.small_run(variant=variant)
    said = {
        placement: variant.conflict(replace(spec, network=MLP(batchnorm=placement)))
        for placement in ("none", "generator", "discriminator", "both")
    }
    assert said["none"] is None and said["generator"] is None
    assert "batch norm in D" in str(said["discriminator"]) and said["both"] == said["discriminator"]
