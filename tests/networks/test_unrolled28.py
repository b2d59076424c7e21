"""The unrolled GAN's pair for stacked MNIST against its layers in NumPy, and its parameters counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.networks.parts.normalisation import BatchNorm
from ganbench.networks.unrolled28 import Unrolled28
from tests.support.transcription import arrays, channels, convolved, inputs, mixed, normalised, relu, size, transposed

pytestmark = pytest.mark.golden

MAPS = (0, 2, 3)  # the axes of batch norm


@pytest.mark.parametrize(("d_width", "parameters"), [(4, 1889), (2, 585)])
def test_unrolled28_has_the_layers_of_the_paper(d_width, parameters):
    """G 256 -> 4x4x64 -> 32 -> 16 -> 8 -> 3; D 3 -> 4 -> 8 -> 16 (or 2, 4, 8), then 4x4 maps to a number.

    Batch norm, a gain and an offset, follows all but the last layers: in PacGAN's code D has it on its first layer too.
    """
    network, space = Unrolled28(d_width=d_width, batchnorm="both"), Space((3, 28, 28))
    g = 256 * 1024 + 1024 + (64 * 32 + 32 * 16 + 16 * 8 + 8 * 3) * 9 + 32 + 16 + 8 + 3
    g += 2 * (64 + 32 + 16 + 8)
    w = d_width
    d = (3 * w + w * 2 * w + 2 * w * 4 * w) * 9 + w + 2 * w + 4 * w + 16 * 4 * w + 1 + 2 * (w + 2 * w + 4 * w)
    assert size(network.generator(space)) == g == 287_875
    assert size(network.discriminator(space)) == d == parameters


@pytest.mark.parametrize(("norm", "side"), [(False, 8), (True, 12)])
def test_unrolled28_version_2(norm, side):
    """At 12 the maps are 2, 3, 6, 12: an odd one is doubled from its half, rounded up."""
    network = Unrolled28(z=6, g_width=1, d_width=2, batchnorm="both" if norm else "none")
    space = Space((1, side, side))
    g, d = mixed(network.generator(space)), mixed(network.discriminator(space))
    z, p = inputs(5, 6), arrays(g)
    smallest = {8: 1, 12: 2}[side]

    def bn(h):
        return normalised(h, next(p), next(p), MAPS) if norm else h

    def leaky(h):
        return np.where(h > 0, h, 0.3 * h)

    h = relu(bn((z.numpy() @ next(p).T + next(p)).reshape(5, 8, smallest, smallest)))
    for whole in (side // 4, side // 2, side):
        h = relu(bn(transposed(h, next(p), whole % 2, whole) + channels(next(p))))
    image = np.tanh(convolved(h, next(p), 1, stride=1) + channels(next(p)))
    agree(g(z), image, p)

    p = arrays(d)
    h = leaky(bn(convolved(image, next(p), 0) + channels(next(p))))
    h = leaky(bn(convolved(h, next(p), 0) + channels(next(p))))
    h = leaky(bn(convolved(h, next(p), (side // 4) % 2) + channels(next(p)))).reshape(5, -1)
    agree(d(torch.tensor(image)), (h @ next(p).T + next(p))[:, 0], p)
    assert network.version == 2


def test_convolutions_start_from_a_truncated_normal_and_gains_at_1():
    """TensorFlow's truncated normal of 0.02 ends at 0.04 and has a deviation of 0.88 * 0.02; the others don't end."""
    network, space = Unrolled28(d_width=64, batchnorm="both"), Space((3, 28, 28))
    torch.manual_seed(0)
    for layer in (*network.generator(space), *network.discriminator(space)):
        if isinstance(layer, torch.nn.Conv2d):
            assert layer.weight.abs().max() <= 0.04
            if layer.weight.numel() > 10_000:
                assert layer.weight.std().item() == pytest.approx(0.88 * 0.02, rel=0.02)
        elif isinstance(layer, torch.nn.ConvTranspose2d | torch.nn.Linear) and layer.weight.numel() > 10_000:
            assert layer.weight.abs().max() > 0.04 and layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        elif isinstance(layer, BatchNorm):
            assert (layer.weight == 1).all() and (layer.bias == 0).all()


def agree(made, expected, queue):
    assert next(queue, None) is None
    np.testing.assert_allclose(made.detach().numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(2,), (3, 30, 30), (1, 4, 4)])
def test_other_spaces_are_refused(shape):
    assert "unrolled28 takes square images whose side is a multiple of 4" in str(Unrolled28().unsupported(Space(shape)))
