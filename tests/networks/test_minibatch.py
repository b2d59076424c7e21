"""Minibatch discrimination: the closeness of rows by hand, and the networks that have it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench.datasets.base import Space
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.networks.parts.minibatch import MinibatchDiscrimination
from ganbench.testing import check_run, small_run
from ganbench.variants.wgan_gp import WGANGP
from tests.support.transcription import arrays, inputs, leaky, mixed, size

pytestmark = pytest.mark.golden

ROWS = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
NEAR = [0.503215, 0.417667, 0.185122]  # e^-1 + e^-2, e^-1 + e^-3, e^-2 + e^-3


def layer(matrix: Tensor, kernels: int, own: bool) -> nn.Module:
    """The layer whose tensor T is a given matrix (k, B * C)."""
    made = MinibatchDiscrimination(len(matrix), kernels=kernels, dims=matrix.shape[1] // kernels, own=own).double()
    with torch.no_grad():
        made.tensor.weight.copy_(matrix.T)
    return made


def identity(kernels: int, own: bool) -> nn.Module:
    return layer(torch.eye(2, dtype=torch.float64), kernels, own)


@pytest.mark.parametrize("own", [True, False])
def test_anchor_of_three_rows(own: bool) -> None:
    made = identity(1, own)(ROWS)
    assert torch.equal(made[:, :2], ROWS), "the features are unchanged"
    assert made[:, 2].tolist() == pytest.approx([value + own for value in NEAR], abs=5e-7)


def test_each_kernel_has_distances_of_its_own() -> None:
    """Two kernels of one dimension: the first coordinates 0, 1, 0 and the second ones 0, 0, 2."""
    near = identity(2, own=False)(ROWS)[:, 2:]
    e1, e2 = math.exp(-1), math.exp(-2)
    expected = torch.tensor([[e1 + 1, 1 + e2], [2 * e1, 1 + e2], [1 + e1, 2 * e2]], dtype=torch.float64)
    torch.testing.assert_close(near, expected)


@pytest.mark.parametrize("own", [True, False])
def test_identical_samples_count_each_other(own: bool) -> None:
    f = inputs(1, 4).expand(7, 4)
    assert layer(inputs(4, 6), 3, own)(f)[:, 4:].tolist() == pytest.approx(np.full((7, 3), 7 if own else 6))


def test_a_batch_of_one_has_no_neighbour() -> None:
    assert identity(1, own=False)(ROWS[1:2]).tolist() == [[1, 0, 0]]


def test_slope_by_hand() -> None:
    """d o(0) / d x_1 of the rows (0, 0), (1, 0): -e^-1 for either row, since each pair counts in two sums."""
    f = ROWS[:2].clone().requires_grad_()
    identity(1, own=True)(f)[:, 2].sum().backward()
    assert f.grad is not None
    assert f.grad.tolist()[1][0] == pytest.approx(-2 * math.exp(-1))
    assert f.grad.tolist()[0][0] == pytest.approx(2 * math.exp(-1))


def near_by_hand(rows: np.ndarray, own: bool) -> np.ndarray:
    """Rows (n, B, C) -> (n, B), pair by pair."""
    made = np.zeros(rows.shape[:2])
    for i, j, b in np.ndindex(len(rows), *rows.shape[:2]):
        made[i, b] += (own or i != j) * np.exp(-np.abs(rows[i, b] - rows[j, b]).sum())
    return made


@pytest.mark.parametrize("own", [True, False])
def test_mlp_transcribed(own: bool) -> None:
    net = MLP(d_widths=(4,), d_activation="leaky_relu", minibatch_kernels=3, minibatch_dims=2, minibatch_own=own)
    d = mixed(net.discriminator(Space((2,))))
    x, given = inputs(5, 2), arrays(d)
    f = leaky(x.numpy() @ next(given).T + next(given))
    near = near_by_hand((f @ next(given).T).reshape(5, 3, 2), own)
    expected = np.concatenate([f, near], 1) @ next(given).T + next(given)
    np.testing.assert_allclose(d(x).detach().numpy(), expected[:, 0], rtol=1e-12)
    features: Any = d
    np.testing.assert_allclose(features.features(x).detach().numpy(), f, rtol=1e-12)


@pytest.mark.parametrize(("network", "features"), [(MLP(), 128), (DCGAN(width=8), 16 * 4)])
def test_parameters(network: MLP | DCGAN, features: int) -> None:
    """B kernels of C dimensions add k B C to T and B to the last layer; at 8x8, DCGAN's k is 2x2 of twice the width."""
    kind, space = type(network), Space((1, 8, 8))
    with_it = {**vars(network), "minibatch_kernels": 100}
    more = size(kind(**with_it).discriminator(space)) - size(network.discriminator(space))
    assert more == features * 100 * 5 + 100


def test_the_scores_of_equal_samples_show_collapse() -> None:
    """A point has another score in a batch of copies of it than in a batch of different points."""
    d = mixed(MLP(d_widths=(4,), minibatch_kernels=3).discriminator(Space((2,))))
    x = inputs(6, 2)
    assert not torch.allclose(d(x[:1].expand(6, 2))[0], d(x)[0])


def test_runs_train_pack_and_resume() -> None:
    check_run(small_run(network=MLP(z=4, g_widths=(8,), d_widths=(8,), minibatch_kernels=3)))


def test_gradient_penalties_conflict_with_it() -> None:
    spec = small_run(variant=WGANGP(), network=MLP(minibatch_kernels=2))
    assert "minibatch discrimination in D mixes" in (spec.variant.conflict(spec) or "")
    assert WGANGP().conflict(small_run(variant=WGANGP())) is None
