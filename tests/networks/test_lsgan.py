"""The pairs of LSGAN's authors and of the first GAN against a NumPy transcription, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.networks.lsgan28 import LSGAN28
from ganbench.networks.lsgan112 import LSGAN112
from ganbench.networks.maxout_mlp import MaxoutMLP
from ganbench.networks.parts.convolutions import Kernel, double, halve
from tests.support.transcription import (
    arrays,
    channels,
    convolved,
    inputs,
    leaky,
    mixed,
    normalised,
    relu,
    sigmoid,
    transposed,
)

pytestmark = pytest.mark.golden

IMAGE = (0, 2, 3)  # the axes of batch norm


def agree(made, expected, queue):
    assert next(queue, None) is None
    np.testing.assert_allclose(made.detach().numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("norm", [False, True])
def test_lsgan112_version_1(norm):
    network, space = LSGAN112(z=6, width=2, batchnorm="both" if norm else "none"), Space((3, 16, 16))
    g, d = mixed(network.generator(space)), mixed(network.discriminator(space))
    z, p = inputs(5, 6), arrays(g)

    def bn(h):
        return normalised(h, next(p), next(p), IMAGE) if norm else h

    h = relu(bn((z.numpy() @ next(p).T + next(p)).reshape(5, 8, 1, 1)))
    for stride in (2, 1, 2, 1, 2, 2):  # TensorFlow's SAME begins at 0 with stride 2 and at 1 with stride 1
        h = relu(bn(transposed(h, next(p), before=2 - stride, stride=stride) + channels(next(p))))
    image = np.tanh(transposed(h, next(p), before=1, stride=1) + channels(next(p)))
    agree(g(z), image, p)

    p = arrays(d)
    h = leaky(convolved(image, next(p), 1) + channels(next(p)))
    for _ in range(3):
        h = leaky(bn(convolved(h, next(p), 1) + channels(next(p))))
    agree(d(torch.tensor(image)), (h.reshape(5, -1) @ next(p).T + next(p))[:, 0], p)
    assert network.version == 1


@pytest.mark.parametrize("side", [12, 16])
@pytest.mark.parametrize("norm", [False, True])
def test_lsgan28_version_1(norm, side):
    """At 12 the maps of G are 2, 3, 6, 12: an odd one is doubled from its half, rounded up."""
    network, space = LSGAN28(z=6, width=2, units=3, batchnorm="both" if norm else "none"), Space((1, side, side))
    g, d = mixed(network.generator(space)), mixed(network.discriminator(space))
    z, p = inputs(5, 6), arrays(g)

    def bn(h, axes=IMAGE):
        return normalised(h, next(p), next(p), axes) if norm else h

    h = relu(bn(z.numpy() @ next(p).T + next(p), (0,))).reshape(5, 8, 2, 2)
    h = relu(bn(transposed(h, next(p), 2 if side == 12 else 1, side // 4) + channels(next(p))))
    h = relu(bn(transposed(h, next(p), 1) + channels(next(p))))
    image = np.tanh(transposed(h, next(p), 1) + channels(next(p)))
    agree(g(z), image, p)

    p = arrays(d)
    h = leaky(convolved(image, next(p), 1) + channels(next(p)))
    h = leaky(bn(convolved(h, next(p), 1) + channels(next(p)))).reshape(5, -1)
    h = leaky(bn(h @ next(p).T + next(p), (0,)))
    agree(d(torch.tensor(image)), (h @ next(p).T + next(p))[:, 0], p)
    assert network.version == 1


@pytest.mark.parametrize(("prior", "scale"), [("uniform", 3**0.5), ("normal", 1)])
def test_maxout_mlp_version_1(prior, scale):
    network, space = MaxoutMLP(z=6, g_widths=(5, 4), d_widths=(3, 2), pieces=2, prior=prior), Space((1, 3, 2))
    g, d = mixed(network.generator(space)), mixed(network.discriminator(space))
    z, p = inputs(5, 6), arrays(g)
    h = relu(scale * z.numpy() @ next(p).T + next(p))
    h = relu(h @ next(p).T + next(p))
    image = sigmoid(h @ next(p).T + next(p))
    agree(g(z), image.reshape(5, 1, 3, 2), p)

    p, d = arrays(d), d.eval()  # without dropout, which tests/networks/test_dropout.py tests
    h = (image @ next(p).T + next(p)).reshape(5, 3, 2).max(2)
    h = (h @ next(p).T + next(p)).reshape(5, 2, 2).max(2)
    agree(d(torch.tensor(image.reshape(5, 1, 3, 2))), (h @ next(p).T + next(p))[:, 0], p)
    assert network.version == 1


# --- the convolutions that halve and double ---

# TensorFlow's SAME: size - stride (even sides) or size - 1 (odd ones) rows in all, the larger half at the bottom
SAME = {(side, size): (size - 2 if side % 2 == 0 else size - 1) // 2 for side in (6, 7) for size in (3, 4, 5)}


@pytest.mark.parametrize(("side", "size"), SAME)
def test_sides_are_halved_and_doubled_as_tensorflow_does(side, size):
    before, kernel = SAME[side, size], Kernel(size, tf_same=True)
    down = mixed(torch.nn.Sequential(*halve(kernel, side, 2, 3)))
    x, p = inputs(4, 2, side, side), arrays(down)
    agree(down(x), convolved(x.numpy(), next(p), before) + channels(next(p)), p)

    up = mixed(torch.nn.Sequential(*double(kernel, side, 2, 3)))
    x, p = inputs(4, 2, (side + 1) // 2, (side + 1) // 2), arrays(up)
    agree(up(x), transposed(x.numpy(), next(p), before, side) + channels(next(p)), p)
