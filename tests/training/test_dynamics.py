"""DiracGAN: p_data = delta_0, G makes theta, D(x) = psi x. Who spirals into (0, 0), and who never arrives.

Mescheder et al. 2018, arXiv:1801.04406: unregularised GANs and WGAN-GP don't converge, zero-centred penalties do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench.datasets.base import Data, Dataset, Space, Split
from ganbench.networks.base import Network
from ganbench.optimizers.sgd import SGD
from ganbench.spec import RunSpec, Schedule
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.base import Batch, Params, Player, Players, Variant
from ganbench.variants.dragan import DRAGAN
from ganbench.variants.minimax import Minimax
from ganbench.variants.ns import NonSaturating
from ganbench.variants.r1 import R1
from ganbench.variants.r3gan import R3GAN
from ganbench.variants.rsgan import RSGAN
from ganbench.variants.wgan import WGAN
from ganbench.variants.wgan_gp import WGANGP
from tests.support.scores import name, silent

pytestmark = pytest.mark.golden

POINT = torch.zeros(1, 1, dtype=torch.float64)
CONSTANT = Player(lambda params, z: params["theta"] + 0 * z, {})
SLOPE = Player(lambda params, x: params["psi"] * x.flatten(), {})
State = tuple[float, float]  # theta, psi


@dataclass(frozen=True)
class Game:
    """One objective, played with plain gradient steps of one length."""

    variant: Variant
    order: str = "simultaneous"
    rate: float = 0.1

    def step(self, state: State) -> State:
        """The state after both players have moved once; taking turns, D moves first."""
        theta, psi = state
        new_psi = self._moved(state, "d")
        new_theta = self._moved((theta, psi if self.order == "simultaneous" else new_psi), "g")
        return new_theta, new_psi

    def path(self, start: State, steps: int) -> np.ndarray:
        """(steps + 1, 2): every state."""
        states = [start]
        for _ in range(steps):
            states.append(self.step(states[-1]))
        return np.array(states)

    def _moved(self, state: State, player: str) -> float:
        params = {name: torch.tensor(v, dtype=torch.float64) for name, v in zip(("theta", "psi"), state, strict=True)}
        own = params["psi" if player == "d" else "theta"].requires_grad_()
        net = Players(CONSTANT.at(params), SLOPE.at(params))
        batch = Batch(POINT, POINT, silent(self.variant, POINT) | {"share": torch.full((1,), 0.5, dtype=torch.float64)})
        terms = (self.variant.d_loss if player == "d" else self.variant.g_loss)(net, batch)
        (gradient,) = torch.autograd.grad(torch.stack(list(terms.values())).sum(), own)
        moved = {"own": own.detach() - self.rate * gradient}
        if player == "d":
            self.variant.constrain(moved)
        return float(moved["own"])


def sigmoid(t: float) -> float:
    return 1 / (1 + math.exp(-t))


# minus the gradients (dL_G/dtheta, dL_D/dpsi) at (theta, psi), by hand; the gradient norm of D is |psi| everywhere
FIELDS: list[tuple[Variant, Callable[[float, float], State]]] = [
    (Minimax(), lambda t, p: (p * sigmoid(p * t), -t * sigmoid(p * t))),
    (NonSaturating(), lambda t, p: (p * sigmoid(-p * t), -t * sigmoid(p * t))),
    (WGAN(clip=9), lambda t, p: (p, -t)),
    (WGANGP(gp_weight=0.3), lambda t, p: (p, -t - 0.6 * (abs(p) - 1) * np.sign(p))),
    (DRAGAN(gp_weight=0.3), lambda t, p: (p * sigmoid(-p * t), -t * sigmoid(p * t) - 0.6 * (abs(p) - 1) * np.sign(p))),
    (RSGAN(), lambda t, p: (p * sigmoid(-p * t), -t * sigmoid(p * t))),
    (R1(gamma=0.3), lambda t, p: (p * sigmoid(-p * t), -t * sigmoid(p * t) - 0.3 * p)),
    (R1(gamma=0.3, convention="full"), lambda t, p: (p * sigmoid(-p * t), -t * sigmoid(p * t) - 0.6 * p)),
    (R1(gamma=0.3, on="fake"), lambda t, p: (p * sigmoid(-p * t), -t * sigmoid(p * t) - 0.3 * p)),
    (R1(gamma=0.3, on="both"), lambda t, p: (p * sigmoid(-p * t), -t * sigmoid(p * t) - 0.6 * p)),
    (R3GAN(gamma=0.3), lambda t, p: (p * sigmoid(-p * t), -t * sigmoid(p * t) - 0.6 * p)),
]


@pytest.mark.parametrize(("variant", "field"), FIELDS, ids=name)
@pytest.mark.parametrize("state", [(1.0, 1.0), (-0.5, 2.0), (0.3, -0.2)])
def test_vector_field(variant: Variant, field: Callable[[float, float], State], state: State) -> None:
    theta, psi = Game(variant).step(state)
    expected = [value + 0.1 * velocity for value, velocity in zip(state, field(*state), strict=True)]
    assert (theta, psi) == pytest.approx(expected, abs=1e-9)


ORDERS = pytest.mark.parametrize("order", ["simultaneous", "alternating"])
RESTLESS = [Minimax(), NonSaturating(), RSGAN(), WGAN(clip=0.3), WGANGP(gp_weight=0.3), DRAGAN(gp_weight=0.3)]
SETTLING = [R1(gamma=1), R1(gamma=1, on="fake"), R1(gamma=0.5, convention="full"), R3GAN(gamma=0.5)]


@ORDERS
@pytest.mark.parametrize("variant", RESTLESS, ids=str)
def test_without_a_zero_centred_penalty_it_never_arrives(variant: Variant, order: str) -> None:
    """It goes on through theta = 0, and is never near the equilibrium."""
    path = Game(variant, order, rate=0.2).path((0.2, 0.2), 140)
    late = path[70:]
    assert np.hypot(*late.T).min() > 0.15
    assert (np.diff(np.sign(late[:, 0])) != 0).any()


@ORDERS
@pytest.mark.parametrize("variant", SETTLING, ids=str)
def test_with_a_zero_centred_penalty_it_arrives(variant: Variant, order: str) -> None:
    path = Game(variant, order, rate=0.2).path((1.0, 1.0), 140)
    assert np.hypot(*path[-1]) < 1e-3


def test_simultaneous_wgan_gains_a_fixed_share_at_every_step() -> None:
    """Without clipping a step is a rotation and a growth of the squared distance by 1 + rate^2."""
    path = Game(WGAN(clip=1e9)).path((1.0, 1.0), 100)
    assert np.square(path).sum(1) == pytest.approx(2 * 1.01 ** np.arange(101))


@pytest.mark.parametrize(("variant", "pull"), [(NonSaturating(), 0), (R1(gamma=0.4), 0.4), (R3GAN(gamma=0.4), 0.8)])
@ORDERS
def test_near_the_equilibrium_it_is_the_linear_map_of_the_theory(variant: Variant, pull: float, order: str) -> None:
    """theta' = psi / 2, psi' = -theta / 2 - gamma psi: its eigenvalues are -gamma/2 +- sqrt(gamma^2/4 - 1/4)."""
    g_moves = np.array([[1, 0.05], [0, 1]])
    d_moves = np.array([[1, 0], [-0.05, 1 - 0.1 * pull]])
    both = g_moves + d_moves - np.eye(2) if order == "simultaneous" else g_moves @ d_moves
    path = Game(variant, order).path((1e-5, 0.0), 60)
    assert path[-1] == pytest.approx(np.linalg.matrix_power(both, 60) @ path[0], rel=1e-6)


# --- the trainer plays the same game ---


class Theta(nn.Module):
    """G: every latent is made into theta."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta.expand(len(z), 1)


class Psi(nn.Module):
    """D: a line through 0."""

    def __init__(self) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.psi * x.flatten()


@dataclass(frozen=True, kw_only=True)
class Dirac(Network):
    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"

    def generator(self, space: Space) -> nn.Module:
        return Theta()

    def discriminator(self, space: Space) -> nn.Module:
        return Psi()

    def unsupported(self, space: Space) -> str | None:
        return None


@dataclass(frozen=True, kw_only=True)
class Zero(Dataset):
    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"

    def space(self, root: Path | None) -> Space:
        return Space((1,))

    def load(self, root: Path | None) -> Data:
        zeros = Split(torch.zeros(4, 1))
        return Data(Space((1,)), zeros, zeros, zeros)


@pytest.mark.parametrize("variant", [NonSaturating(), R1(gamma=0.3), R3GAN(gamma=0.3), WGAN(clip=0.3, n_critic=1)])
@pytest.mark.parametrize("order", ["simultaneous", "d_first"])
def test_the_trainer_takes_the_same_path(variant: Variant, order: str) -> None:
    spec = RunSpec(variant=variant, dataset=Zero(), network=Dirac(z=1), optimizer=SGD(lr=0.1), batch=3, steps=30)
    spec = replace(spec, schedule=Schedule(order=order))
    snapshots = train([spec], Zero().load(None), range(1, 31), Place(dtype=torch.float64))
    weights: list[Params] = [snapshot.runs[0].generator() for snapshot in snapshots]
    assert [float(w["theta"]) for w in weights] == pytest.approx(list(Game(variant, order).path((1.0, 1.0), 30)[1:, 0]))


def test_the_released_training_of_the_first_gan() -> None:
    """`likelihood`: both costs at once, D's 1/2 (sp(-r) + sp(f)) and G's sp(-f), one rate, v = 0.5 v - rate * gradient.

    By hand D's gradient is theta sigmoid(psi theta) / 2 and G's is -psi sigmoid(-psi theta).
    """
    optimizer = SGD(g_lr=0.1, d_lr=0.05, momentum=0.5)
    spec = RunSpec(variant=NonSaturating(), dataset=Zero(), network=Dirac(z=1), optimizer=optimizer, batch=3, steps=30)
    spec = replace(spec, schedule=Schedule(order="simultaneous", reuse_z=True))
    snapshots = train([spec], Zero().load(None), range(1, 31), Place(dtype=torch.float64))
    thetas = [float(snapshot.runs[0].generator()["theta"]) for snapshot in snapshots]
    theta, psi, v_g, v_d = 1.0, 1.0, 0.0, 0.0
    expected = []
    for _ in range(30):
        slope_g, slope_d = -psi * sigmoid(-psi * theta), theta * sigmoid(psi * theta) / 2
        v_g, v_d = 0.5 * v_g - 0.1 * slope_g, 0.5 * v_d - 0.1 * slope_d
        theta, psi = theta + v_g, psi + v_d
        expected.append(theta)
    assert thetas == pytest.approx(expected, rel=1e-9)
