"""R3GAN's pair: parameters counted by hand, its forward pass in NumPy, its initial weights, its resampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench.datasets.base import Space
from ganbench.networks.grouped_resnet import GroupedResNet
from ganbench.networks.parts.grouped import Resample
from ganbench.networks.parts.residual import Residual
from ganbench.testing import small_run
from tests.support.transcription import arrays, inputs, leaky, mixed, size

pytestmark = pytest.mark.golden

CIFAR, SMALL8 = Space((3, 32, 32)), Space((2, 8, 8))
SMALL = GroupedResNet(z=3, width=2, blocks=1, cardinality=2, expansion=2)


def test_the_parameters_of_the_authors_setting_by_hand() -> None:
    """Four stages of two blocks: 768 to 1536 channels, 16 in each of 96 groups, two vectors of offsets."""
    block = 768 * 1536 + 9 * 1536 * 16 + 1536 * 768 + 2 * 1536
    g = 64 * 768 + 768 * 16 + 8 * block + 768 * 3
    d = 3 * 768 + 8 * block + 768 * 16 + 768
    with torch.device("meta"):
        pair = GroupedResNet().generator(CIFAR), GroupedResNet().discriminator(CIFAR)
    assert tuple(map(size, pair)) == (g, d) == (20_732_160, 20_683_776)


def test_no_layer_but_the_activations_has_offsets() -> None:
    net = SMALL.discriminator(SMALL8)
    assert all(part.bias is None for part in net.modules() if isinstance(part, nn.Conv2d | nn.Linear))


def pixelwise(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.einsum("oi,nihw->nohw", weight[:, :, 0, 0], x)


def grouped(x: np.ndarray, weight: np.ndarray, groups: int) -> np.ndarray:
    """Kernel 3, each group of outputs over its own group of inputs."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out, each = np.zeros((n, len(weight), h, w)), len(weight) // groups
    for o, i, a, b in np.ndindex(*weight.shape):
        out[:, o] += weight[o, i, a, b] * padded[:, o // each * (c // groups) + i, a : a + h, b : b + w]
    return out


def bottleneck(x: np.ndarray, p) -> np.ndarray:  # type: ignore[no-untyped-def]
    h = leaky(pixelwise(x, next(p)) + next(p)[:, None, None])
    h = leaky(grouped(h, next(p), 2) + next(p)[:, None, None])
    return x + pixelwise(h, next(p))


def neighbours(x: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels before and after each one along an axis, 0 beyond the edge."""
    zero, side = np.zeros_like(x.take([0], axis)), x.shape[axis]
    before = np.concatenate([zero, x.take(range(side - 1), axis)], axis)
    return before, np.concatenate([x.take(range(1, side), axis), zero], axis)


def up(x: np.ndarray) -> np.ndarray:
    """A pixel becomes two along each side: three quarters of itself and one of the neighbour on that side."""
    for axis in (2, 3):
        before, after = neighbours(x, axis)
        pair = np.stack([(before + 3 * x) / 4, (3 * x + after) / 4], axis + 1)
        x = pair.reshape([side * (2 if place == axis else 1) for place, side in enumerate(x.shape)])
    return x


def down(x: np.ndarray) -> np.ndarray:
    """Two pixels become one: three eighths of each, and one of each neighbour."""
    for axis in (2, 3):
        before, after = neighbours(x, axis)
        even, odd = range(0, x.shape[axis], 2), range(1, x.shape[axis], 2)
        x = (before.take(even, axis) + 3 * x.take(even, axis) + 3 * x.take(odd, axis) + after.take(odd, axis)) / 8
    return x


def test_forward_by_hand() -> None:
    assert GroupedResNet.version == 1
    g, d = mixed(SMALL.generator(SMALL8)), mixed(SMALL.discriminator(SMALL8))
    z, p = inputs(4, 3), arrays(g)
    h = (z.numpy() @ next(p).T)[:, :, None, None] * next(p)
    h = bottleneck(up(bottleneck(h, p)), p)
    image = np.tanh(pixelwise(h, next(p)))
    np.testing.assert_allclose(g(z).detach().numpy(), image)

    p = arrays(d)
    h = bottleneck(pixelwise(image, next(p)), p)
    h = bottleneck(down(h), p)
    features = (h * next(p)[:, 0]).sum((2, 3))
    x = torch.tensor(image)
    np.testing.assert_allclose(d.features(x).detach().numpy(), features)
    np.testing.assert_allclose(d(x).detach().numpy(), features @ next(p)[0])
    assert next(p, None) is None


@pytest.mark.parametrize("wanted", [True, False])
def test_resampling_keeps_a_constant_away_from_the_edge_and_has_a_gradient_of_gradients(wanted: bool) -> None:
    layer, x = Resample(up=wanted), torch.ones(1, 3, 8, 8, dtype=torch.float64)
    made: Tensor = layer(x)
    assert made.shape == (1, 3, 16, 16) if wanted else made.shape == (1, 3, 4, 4)
    inner = made[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(inner, torch.ones_like(inner))
    assert torch.autograd.gradgradcheck(layer, (torch.rand(1, 1, 4, 4, dtype=torch.float64, requires_grad=True),))


def test_initial_weights() -> None:
    """The last layer of a block is 0, so that each block starts as the identity; the others have the paper's scale."""
    torch.manual_seed(0)
    network = GroupedResNet(width=96, cardinality=6, blocks=2)
    for net in (network.generator(CIFAR), network.discriminator(CIFAR)):
        blocks = [part for part in net.modules() if isinstance(part, Residual)]
        assert len(blocks) == 8
        x = torch.randn(2, 96, 4, 4)
        assert all(torch.equal(one(x), x) for one in blocks)
        gain = math.sqrt(2 / 1.04) * 8 ** (-1 / 4)
        for one in blocks:
            wide, middle = one.branch[0].weight, one.branch[2].weight
            assert wide.std().item() == pytest.approx(gain / math.sqrt(96), rel=0.05)
            assert middle.std().item() == pytest.approx(gain / math.sqrt(9 * 32), rel=0.05)


def test_what_does_not_fit() -> None:
    for space in (Space((1, 28, 28)), Space((2,)), Space((3, 16, 32)), Space((1, 4, 4))):
        assert "side 8, 16, 32, 64 and so on" in str(SMALL.unsupported(space))
    assert SMALL.unsupported(Space((1, 64, 64))) is None
    for network, reason in (
        (GroupedResNet(batchnorm="generator"), "without normalisation: use batchnorm none"),
        (GroupedResNet(width=10, cardinality=3), "20 channels are no 3 equal groups"),
    ):
        assert reason in str(network.conflict(small_run(network=network)))
