"""The largest singular values of layers, for all runs of a pack."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganbench.rng import stream
from ganbench.training.singular_values import SeenLayers
from ganbench.variants.base import Player
from tests.support.networks import normal

Map = Callable[..., Tensor]  # of an input, a weight and a bias

CONVOLUTIONS: dict[str, tuple[Map, tuple[int, ...]]] = {
    "stride 1": (lambda x, weight, bias: F.conv2d(x, weight, bias, 1, 1), (5, 3, 3, 3)),
    "stride 2": (lambda x, weight, bias: F.conv2d(x, weight, bias=bias, stride=2, padding=1), (16, 3, 4, 4)),
    "stride 3, no padding": (lambda x, weight, bias: F.conv2d(x, weight, bias, (3, 2)), (4, 3, 2, 3)),
    "dilated": (lambda x, weight, bias: F.conv2d(x, weight, bias, dilation=2), (4, 3, 3, 3)),
    "in groups": (lambda x, weight, bias: F.conv2d(x, weight, bias, groups=3), (6, 1, 3, 3)),
    "padding in words": (lambda x, weight, bias: F.conv2d(x, weight, bias, padding="same"), (4, 3, 3, 3)),
    "transposed": (lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, 2, 1), (3, 4, 4, 4)),
    "transposed, larger": (lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, 2, 0, 1), (3, 1, 3, 3)),
}


def norms(function: Map, weights: Tensor, shape: tuple[int, ...], bias: Tensor | None = None) -> list[float]:
    """Those of a layer with each run's weight, as the pass of the first run shows it."""
    layers = SeenLayers()
    network = Player(lambda params, x, part: function(x, params["weight"], bias), {"weight": weights[0]})
    layers.watched(network)(torch.zeros(1, *shape))
    draws = [stream(run, "directions") for run in range(len(weights))]
    found: list[float] = layers.norms({"0": weights}, draws)[:, 0].tolist()
    return found


def truth(function: Map, weights: Tensor, shape: tuple[int, ...]) -> list[float]:
    inputs = torch.Size(shape).numel()
    ends = [function(torch.eye(inputs).view(inputs, *shape), weight, None).flatten(1) for weight in weights]
    return [torch.linalg.matrix_norm(matrix.double(), 2).item() for matrix in ends]


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_the_norm_of_a_convolution_is_that_of_its_map_without_its_bias(kind: str) -> None:
    function, sides = CONVOLUTIONS[kind]
    weights, bias, shape = normal(3, *sides), torch.ones(sides[1 if "transposed" in kind else 0]), (3, 6, 6)
    assert norms(function, weights, shape, bias) == pytest.approx(truth(function, weights, shape), rel=1e-2)
    assert norms(function, weights[:1], shape, bias) == pytest.approx(truth(function, weights[:1], shape), rel=1e-2)


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 300), columns=st.integers(1, 300), seed=st.integers(0, 9))
def test_the_norm_of_a_matrix_is_its_largest_singular_value(rows: int, columns: int, seed: int) -> None:
    weights = normal(2, rows, columns, name=f"{rows} {columns} {seed}")
    for found, true in zip(norms(F.linear, weights, (columns,)), truth(F.linear, weights, (columns,)), strict=True):
        assert true * 0.95 < found < true * (1 + 1e-5)


def test_the_norm_does_not_depend_on_the_other_runs_of_the_pack() -> None:
    """Of any size, of low rank, zero, or no longer finite."""
    weights = torch.stack([normal(200, 150, name=str(run)) for run in range(6)])
    weights[1] *= 1e-30
    weights[2] *= 1e30
    weights[3] = normal(200, 2) @ normal(2, 150)
    weights[4], weights[5, 0, 0] = 0, torch.inf
    together = norms(F.linear, weights, (150,))
    assert together[:5] == pytest.approx(truth(F.linear, weights[:5], (150,)), rel=5e-2)
    assert together[3] == pytest.approx(truth(F.linear, weights[3:4], (150,))[0], rel=1e-5)
    assert together[5] != together[5], "NaN"
