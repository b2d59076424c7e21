"""EBGAN and BEGAN: anchors, values and gradients by hand, on an auto-encoder of one weight and on given energies."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ganbench.datasets.digits import Digits
from ganbench.datasets.ring8 import Ring8
from ganbench.networks.autoencoder_mlp import AutoencoderMLP
from ganbench.optimizers.sgd import SGD
from ganbench.spec import RunSpec, Schedule
from ganbench.testing import small_run
from ganbench.training.state import Place
from ganbench.training.trainer import train
from ganbench.variants.base import Batch, Params, Player, Players
from ganbench.variants.began import BEGAN
from ganbench.variants.ebgan import EBGAN
from ganbench.variants.parts.energies import energy, pulling_away
from tests.support.scores import SAME, slopes, vector

pytestmark = pytest.mark.golden


def column(values: list[float]) -> Tensor:
    return vector(values)[:, None]


def zero(params: Params, x: Tensor, part: str = "forward") -> Tensor:
    """Reconstructs everything as 0, so the error of x is x; the code is x."""
    return x if part == "code" else 0 * x


def scaled(params: Params, x: Tensor, part: str = "forward") -> Tensor:
    """Reconstructs x as w x: the energy of a number is |w - 1| |x|."""
    return params["w"] * x


NET = Players(SAME, Player(zero, {}))


def scaling(w: Tensor) -> Players:
    return Players(SAME, Player(scaled, {"w": w}))


def test_the_numbers_below_are_those_of_this_version() -> None:
    assert (EBGAN.version, BEGAN.version) == (1, 2), "its numbers changed: derive the values below anew"


def test_ebgan_anchor() -> None:
    """Real energies [1, 3] and fake ones [4, 12], margin 10: 2 + (6 + 0) / 2 = 5 and (4 + 12) / 2 = 8."""
    batch = Batch(column([1, 3]), column([4, 12]))
    terms = EBGAN().d_loss(NET, batch)
    assert terms["real"].item() == 2 and terms["fake"].item() == 3
    assert {name: t.item() for name, t in EBGAN().g_loss(NET, batch).items()} == {"fake": 8.0}


def test_the_two_energies() -> None:
    """A sample of the error (3, 0, 4, 0): its norm is 5, the mean of its squares 25/4, of its absolute values 7/4."""
    x = vector([3, 0, -4, 0]).reshape(1, 1, 2, 2)
    found = [energy(NET.d, x, form).tolist() for form in ("norm", "mse", "l1")]
    assert found == [[5.0], [6.25], [1.75]]
    assert EBGAN(energy="mse").g_loss(NET, Batch(x, x))["fake"].item() == 6.25


def test_ebgan_gradients_by_hand() -> None:
    """e = (1 - w) |x| for w < 1: dL_D/dw = -mean |x| + mean |z| of fakes below the margin, dL_G/dz = (1 - w) / 2."""
    w, z = vector([0.5]).requires_grad_(), column([4.0, 30.0]).requires_grad_()
    batch = Batch(column([1.0, 3.0]), z)
    d = sum(EBGAN().d_loss(scaling(w), batch).values())
    assert torch.autograd.grad(d, w)[0].item() == pytest.approx(-2 + 4 / 2)  # 30 has energy 15, above the margin
    g = sum(EBGAN().g_loss(scaling(w), batch).values())
    assert torch.autograd.grad(g, z)[0].flatten().tolist() == pytest.approx([0.25, 0.25])


def test_a_perfect_reconstruction_has_a_finite_gradient() -> None:
    w = vector([1.0]).requires_grad_()
    g = EBGAN().g_loss(scaling(w), Batch(column([1.0]), column([2.0])))["fake"]
    assert g.item() == 0 and torch.autograd.grad(g, w)[0].isfinite().all()


# --- the pulling-away term ---


@pytest.mark.parametrize(
    ("codes", "value"),
    [
        ([[1, 0], [1, 1], [0, 2]], 1 / 3),  # the squared cosines of the three pairs: 1/2, 0, 1/2
        ([[1, 2], [1, 2], [1, 2]], 1),
        ([[1, 2], [-2, -4]], 1),
        ([[1, 0, 0], [0, 2, 0], [0, 0, 3]], 0),
        ([[0, 0], [0, 0]], 0),
        ([[0, 0], [1, 1], [2, 2]], 1 / 3),
    ],
)
def test_pulling_away_by_hand(codes: list[list[float]], value: float) -> None:
    assert pulling_away(torch.tensor(codes, dtype=torch.float64)).item() == pytest.approx(value, abs=1e-12)


def cosines(codes: np.ndarray) -> float:
    pairs = itertools.permutations(codes, 2)
    return float(np.mean([(s @ t) ** 2 / (s @ s) / (t @ t) for s, t in pairs]))


def test_pulling_away_against_its_formula_and_its_slopes() -> None:
    values = np.random.default_rng(0).normal(size=12)
    codes = torch.tensor(values.reshape(4, 3)).requires_grad_()
    found = pulling_away(codes)
    assert found.item() == pytest.approx(cosines(values.reshape(4, 3)))
    expected = slopes(lambda flat: cosines(flat.reshape(4, 3)), values.tolist())
    assert torch.autograd.grad(found, codes)[0].flatten().tolist() == pytest.approx(expected, abs=1e-8)


def test_pulling_away_knows_no_lengths() -> None:
    codes = torch.tensor(np.random.default_rng(1).normal(size=(5, 3)))
    lengths = torch.tensor([[1e-3], [1.0], [7.0], [-2.0], [1e4]], dtype=torch.float64)
    torch.testing.assert_close(pulling_away(codes * lengths), pulling_away(codes), rtol=1e-12, atol=0)


def test_the_term_is_the_generators_alone_and_takes_the_encoders_codes() -> None:
    batch = Batch(torch.ones(3, 2, dtype=torch.float64), torch.tensor([[1.0, 0], [1, 1], [0, 2]], dtype=torch.float64))
    plain, pulling = EBGAN(), EBGAN(pt_weight=0.3)
    assert pulling.d_loss(NET, batch).keys() == plain.d_loss(NET, batch).keys()
    terms = pulling.g_loss(NET, batch)
    assert terms["pulling_away"].item() == pytest.approx(0.1)
    assert terms["fake"].item() == plain.g_loss(NET, batch)["fake"].item() == pytest.approx((3 + math.sqrt(2)) / 3)


def test_a_batch_of_one_has_no_pairs() -> None:
    network = AutoencoderMLP(g_width=4, d_width=4)
    spec = small_run(variant=EBGAN(pt_weight=0.1), network=network, dataset=Digits(), batch=1)
    assert "at least 2" in str(spec.variant.conflict(spec))
    assert EBGAN().conflict(spec) is None


# --- BEGAN ---

ERRORS = Batch(column([0.1, 0.3]), column([0.02, 0.08]), carry={"k": vector([0.1])[0], "convergence": vector([0])[0]})


def test_began_anchor() -> None:
    """l(x) 0.2, l(G) 0.05, k 0.1, gamma 0.5, lambda 0.001: 0.2 - 0.005; 0.1 + 0.001 (0.1 - 0.05); 0.2 + 0.05."""
    terms = BEGAN().d_loss(NET, ERRORS)
    assert sum(t.item() for t in terms.values()) == pytest.approx(0.195)
    assert BEGAN().g_loss(NET, ERRORS)["fake"].item() == pytest.approx(0.05)
    carried = BEGAN().next_carry(NET, ERRORS, "g")
    assert carried["k"].item() == pytest.approx(0.10005, abs=1e-12)
    assert carried["convergence"].item() == pytest.approx(0.25)


def test_k_is_renewed_once_a_step_and_stays_between_0_and_1() -> None:
    assert BEGAN().next_carry(NET, ERRORS, "d") == ERRORS.carry
    assert BEGAN(k_rate=100.0).next_carry(NET, ERRORS, "g")["k"].item() == 1
    assert BEGAN(k_rate=100.0, gamma=0.0).next_carry(NET, ERRORS, "g")["k"].item() == 0
    began = BEGAN(k_start=0.25).carry()
    assert began["k"].item() == 0.25 and began["convergence"].item() == 0 and BEGAN().carry()["k"].item() == 0


def test_k_follows_from_the_errors_before_the_update() -> None:
    """One step at a rate of 1e-300 and at 1: k / k_rate = gamma l(x) - l(G), with the l(G) that was G's loss."""
    carried = []
    for lr in (1e-300, 1.0):
        spec = RunSpec(
            variant=BEGAN(k_rate=0.1, gamma=1.0),
            dataset=Ring8(),
            network=AutoencoderMLP(g_width=8, d_width=2),
            optimizer=SGD(lr=lr),
            schedule=Schedule(order="simultaneous", reuse_z=True),
        )
        terms = next(train([spec], Ring8().load(None), (1,), Place(dtype=torch.float64))).runs[0].terms
        balance = terms["carry"]["k"] / 0.1
        real = balance + terms["g"]["fake"]
        assert balance > 0 and terms["carry"]["convergence"] == pytest.approx(real + balance, rel=1e-9)
        carried.append(terms["carry"])
    assert carried[0] == pytest.approx(carried[1])


def test_began_gradients_by_hand() -> None:
    """l = (1 - w) |x| for w < 1: dL_D/dw = -mean |x| + k mean |z|, and dL_G/dz = (1 - w) / 2."""
    w, z = vector([0.5]).requires_grad_(), column([4.0, 12.0]).requires_grad_()
    batch = Batch(column([1.0, 3.0]), z, carry={"k": vector([0.1])[0]})
    d = sum(BEGAN().d_loss(scaling(w), batch).values())
    assert torch.autograd.grad(d, w)[0].item() == pytest.approx(-2 + 0.1 * 8)
    g = sum(BEGAN().g_loss(scaling(w), batch).values())
    assert torch.autograd.grad(g, z)[0].flatten().tolist() == pytest.approx([0.25, 0.25])
