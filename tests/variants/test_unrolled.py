"""Unrolled GANs: games whose unrolled gradients are known, and the optimizers' own steps."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench import testing
from ganbench.datasets.ring8 import Ring8
from ganbench.optimizers.adam import Adam
from ganbench.optimizers.base import Optimizer, PlayerName, safe_sqrt
from ganbench.optimizers.rmsprop import RMSprop
from ganbench.optimizers.rmsprop_tf import RMSpropTF
from ganbench.optimizers.sgd import SGD
from ganbench.testing.runs import end
from ganbench.training.players import functional_update
from ganbench.variants.base import Batch, Params, Player, Players
from ganbench.variants.minimax import Minimax
from ganbench.variants.unrolled import Unrolled, unroll
from tests.support.scores import slopes, vector

pytestmark = pytest.mark.golden

A, RATE, W, THETA = 0.8, 0.3, 1.5, -0.7  # of the quadratic game


def quadratic(w: Tensor, theta: Tensor) -> Tensor:
    """L_D = a w^2 / 2 - w theta, and L_G = -L_D."""
    return A * w.square() / 2 - w * theta


def answered(k: int) -> tuple[float, float]:
    """w after k steps of gradient descent on L_D, and its derivative by theta."""
    left = (1 - RATE * A) ** k
    return left * W + (1 - left) / A * THETA, (1 - left) / A


@pytest.mark.parametrize("k", range(6))
@pytest.mark.parametrize("second_order", [True, False])
def test_quadratic_game(k: int, second_order: bool) -> None:
    """dL_G/dtheta = w_k - (a w_k - theta) dw_k/dtheta, without the last term where the updates count as constant."""
    theta = torch.tensor(THETA, dtype=torch.float64, requires_grad=True)
    met = theta if second_order else theta.detach()
    d = Player(lambda params: params["w"], {"w": vector([W])}, functional_update(SGD(lr=RATE), "d", {}))
    later = unroll(d, lambda player: quadratic(player(), met).sum(), k)()
    (slope,) = torch.autograd.grad(-quadratic(later, theta).sum(), theta)
    w, by_theta = answered(k)
    assert later.item() == pytest.approx(w, rel=1e-12)
    assert slope.item() == pytest.approx(w - (A * w - THETA) * by_theta * second_order, rel=1e-12)


# --- the variant, against a transcription ---

X, Z = np.array([0.9, -1.3, 0.4]), np.array([0.2, 1.1, -0.6])
KEPT = {"step": torch.tensor(3.0), "exp_avg": vector([0.05, -0.1]), "exp_avg_sq": vector([0.02, 0.03])}


def d_loss(w: np.ndarray, theta: float) -> tuple[float, np.ndarray]:
    """L_D and its gradient by w for D(x) = w0 x + w1 x^2 and G(z) = theta z."""
    basis = [np.stack([x, x**2]) for x in (X, theta * Z)]
    real, fake = (w @ b for b in basis)
    loss = np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean()
    return loss, (-basis[0] / (1 + np.exp(real))).mean(1) + (basis[1] / (1 + np.exp(-fake))).mean(1)


def adam(w: np.ndarray, theta: float, k: int) -> np.ndarray:
    """w after k steps of Adam from the state that is kept."""
    m, v, start = KEPT["exp_avg"].numpy(), KEPT["exp_avg_sq"].numpy(), int(KEPT["step"])
    for t in range(start + 1, start + 1 + k):
        gradient = d_loss(w, theta)[1]
        m, v = 0.5 * m + 0.5 * gradient, 0.99 * v + 0.01 * gradient**2
        w = w - 0.2 * (m / (1 - 0.5**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
    return w


def played(variant: Unrolled, w: list[float], theta: float) -> tuple[Tensor, Tensor]:
    """L_G of a variant, and its gradient by theta."""
    rule = Adam(lr=0.2, beta2=0.99)
    g = Player(
        lambda params, z: params["theta"] * z, {"theta": torch.tensor(theta, dtype=torch.float64).requires_grad_()}
    )
    d = Player(lambda params, x: params["w"][0] * x + params["w"][1] * x**2, {"w": vector(w)})
    d = dataclasses.replace(d, update=functional_update(rule, "d", {"w": KEPT}))
    terms = variant.g_loss(Players(g, d), Batch(torch.tensor(X), torch.tensor(Z)))
    loss = torch.stack(list(terms.values())).sum()
    return loss, torch.autograd.grad(loss, g.params["theta"])[0]


@pytest.mark.parametrize("k", [0, 1, 2, 5])
def test_loss_and_gradient_through_adam(k: int) -> None:
    """L_G is minus L_D at the D that Adam makes, and its slope that of the whole or of the last L_D alone."""
    start, theta = [0.4, -0.2], 0.7
    later = adam(np.array(start), theta, k)
    whole = slopes(lambda t: -d_loss(adam(np.array(start), t[0], k), t[0])[0], [theta])[0]
    last = slopes(lambda t: -d_loss(later, t[0])[0], [theta])[0]
    for second_order, expected in ((True, whole), (False, last)):
        loss, slope = played(Unrolled(k=k, second_order=second_order), start, theta)
        assert loss.item() == pytest.approx(-d_loss(later, theta)[0], rel=1e-10)
        assert slope.item() == pytest.approx(expected, rel=1e-6)
    assert k == 0 or abs(whole - last) > 1e-3


def test_without_unrolling_it_is_the_minimax_game() -> None:
    specs = [testing.small_run(variant=variant, steps=20) for variant in (Minimax(), Unrolled(k=0), Unrolled(k=1))]
    plain, none, one = (end([spec], Ring8().load(None))[0].generator() for spec in specs)
    assert all(torch.equal(plain[name], none[name]) for name in plain)
    assert not any(torch.equal(plain[name], one[name]) for name in plain)


RULES = [
    Adam(lr=0.05, beta1=0.9),
    Adam(lr=0.05, eps=1e-2, eps_hat=True),
    SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    RMSprop(lr=0.05, momentum=0.5, centered=True),
    RMSpropTF(lr=0.05, momentum=0.5),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.notation())
@pytest.mark.parametrize("before", [0, 3])
def test_unrolling_is_really_stepping(rule: Optimizer, before: int) -> None:
    """The D that is met is the one that the optimizer itself would make, at its first update or later."""

    def loss(w: Tensor) -> Tensor:
        return (w.tanh() * vector([1.0, -2.0, 0.5])).sum() + w.square().sum().square()

    param = vector([0.3, -0.4, 0.9]).requires_grad_()
    real = rule.build([param], "d")
    for _ in range(before):
        step(real, param, loss(param))
    kept = {name: t for name, t in real.state.get(param, {}).items() if isinstance(t, Tensor)}
    now = Player(lambda params: loss(params["w"]), {"w": param.detach().clone()})
    kept = {name: tensor.clone() for name, tensor in kept.items()}
    later = unroll(
        dataclasses.replace(now, update=functional_update(rule, "d", {"w": kept})), lambda player: player(), 4
    )
    for _ in range(4):
        step(real, param, loss(param))
    torch.testing.assert_close(later.params["w"], param.detach(), rtol=1e-12, atol=1e-14)


def step(rule: torch.optim.Optimizer, param: Tensor, loss: Tensor) -> None:
    param.grad = torch.autograd.grad(loss, param)[0]
    rule.step()


def test_a_weight_that_rests_passes_no_nan() -> None:
    """The root of Adam's v has an infinite derivative where a weight never had a gradient."""
    x = vector([0.0]).requires_grad_()
    (slope,) = torch.autograd.grad(safe_sqrt(x.square()).sum(), x)
    assert slope.item() == 0 and safe_sqrt(vector([4.0])).item() == 2
    theta = vector([1.0]).requires_grad_()
    d = Player(
        lambda params: params["w"] * theta + 0 * params["dead"] * theta, {"w": vector([1.0]), "dead": vector([1])}
    )
    for rule in (Adam(), RMSprop()):
        later = unroll(dataclasses.replace(d, update=functional_update(rule, "d", {})), lambda p: p().square().sum(), 2)
        assert torch.autograd.grad(later().sum(), theta)[0].isfinite().all()


@dataclass(frozen=True, kw_only=True)
class Blind(Optimizer):
    """A user's rule without a functional update."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this test"

    def build(self, params: list[Tensor], player: PlayerName) -> torch.optim.Optimizer:
        return torch.optim.SGD(params, lr=0.1)


def test_conflicts() -> None:
    conflict = Unrolled().conflict(testing.small_run(optimizer=Blind()))
    assert conflict is not None and "gradients can't flow through" in conflict
    averaged = Unrolled().conflict(testing.small_run(optimizer=Adam(historical=0.1)))
    assert averaged is not None and "historical" in averaged
    with pytest.raises(ValueError, match="has no functional update"):
        Blind().functional_update(vector([1.0]), vector([1.0]), {}, "d")
    nothing: Params = {}
    with pytest.raises(ValueError, match="unrolls_updates"):
        Player(lambda params: vector([0.0]), nothing).after(nothing)
