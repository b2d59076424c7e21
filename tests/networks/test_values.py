"""Networks against an independent NumPy transcription, in float64, and the published parameter counts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.lsgan64 import LSGAN64
from ganbench.networks.mlp import MLP
from tests.support.transcription import (
    arrays,
    channels,
    convolved,
    gated,
    inputs,
    leaky,
    mixed,
    normalised,
    relu,
    size,
    transposed,
)

pytestmark = pytest.mark.golden

RING = Space((2,))


# (padding, kernel): rows of padding at top and left; with TensorFlow's SAME the larger half is at bottom and right
BEFORE = {
    ("tf_same", 3): 0,
    ("tf_same", 4): 1,
    ("tf_same", 5): 1,
    ("torch", 3): 1,
    ("torch", 4): 1,
    ("torch", 5): 2,
}


@pytest.mark.parametrize(("padding", "kernel"), BEFORE)
@pytest.mark.parametrize("norm", [False, True])
def test_dcgan_version_1_discriminator(padding, kernel, norm):
    network = DCGAN(width=2, padding=padding, kernel=kernel, batchnorm="discriminator" if norm else "none")
    net = mixed(network.discriminator(Space((3, 8, 8))))
    x, p, before = inputs(5, 3, 8, 8), arrays(net), BEFORE[padding, kernel]

    h = leaky(convolved(x.numpy(), next(p), before) + channels(next(p)))
    h = convolved(h, next(p), before)
    h = leaky(normalised(h, next(p), next(p), (0, 2, 3)) if norm else h + channels(next(p)))
    scores = h.reshape(5, -1) @ next(p).T + next(p)

    assert network.version == 1
    assert next(p, None) is None
    np.testing.assert_allclose(net(x).detach().numpy(), scores[:, 0], rtol=1e-10)


@pytest.mark.parametrize(("padding", "kernel"), BEFORE)
@pytest.mark.parametrize("norm", [False, True])
def test_dcgan_version_1_generator(padding, kernel, norm):
    network = DCGAN(z=6, width=2, padding=padding, kernel=kernel, batchnorm="generator" if norm else "none")
    net = mixed(network.generator(Space((3, 8, 8))))
    z, p, before = inputs(5, 6), arrays(net), BEFORE[padding, kernel]

    h = (z.numpy() @ next(p).T + next(p)).reshape(5, 4, 2, 2)
    h = relu(normalised(h, next(p), next(p), (0, 2, 3)) if norm else h)
    h = transposed(h, next(p), before)
    h = relu(normalised(h, next(p), next(p), (0, 2, 3)) if norm else h + channels(next(p)))
    image = np.tanh(transposed(h, next(p), before) + channels(next(p)))

    assert next(p, None) is None
    np.testing.assert_allclose(net(z).detach().numpy(), image, rtol=1e-10)


def test_dcgan_gates_half_of_its_channels():
    network = DCGAN(z=6, width=2, activation="gated", batchnorm="both")
    g, d = mixed(network.generator(Space((3, 8, 8)))), mixed(network.discriminator(Space((3, 8, 8))))
    z, p = inputs(5, 6), arrays(g)
    h = (z.numpy() @ next(p).T + next(p)).reshape(5, 8, 2, 2)
    h = gated(normalised(h, next(p), next(p), (0, 2, 3)))
    h = gated(normalised(transposed(h, next(p), 2), next(p), next(p), (0, 2, 3)))
    image = np.tanh(transposed(h, next(p), 2) + channels(next(p)))
    assert next(p, None) is None
    np.testing.assert_allclose(g(z).detach().numpy(), image, rtol=1e-10)

    p = arrays(d)
    h = gated(convolved(image, next(p), 2) + channels(next(p)))
    h = gated(normalised(convolved(h, next(p), 2), next(p), next(p), (0, 2, 3)))
    scores = h.reshape(5, -1) @ next(p).T + next(p)
    assert next(p, None) is None
    np.testing.assert_allclose(d(torch.tensor(image)).detach().numpy(), scores[:, 0], rtol=1e-10)


def test_dcgan_with_tanh_everywhere_constant_width_and_layer_norm():
    network = DCGAN(z=6, width=3, activation="tanh", constant_width=True, layer_norm=True)
    g, d = mixed(network.generator(Space((3, 8, 8)))), mixed(network.discriminator(Space((3, 8, 8))))
    z, p = inputs(5, 6), arrays(g)
    h = np.tanh(z.numpy() @ next(p).T + next(p)).reshape(5, 3, 2, 2)
    h = np.tanh(transposed(h, next(p), 2) + channels(next(p)))
    image = np.tanh(transposed(h, next(p), 2) + channels(next(p)))
    assert next(p, None) is None
    np.testing.assert_allclose(g(z).detach().numpy(), image, rtol=1e-10)

    p = arrays(d)
    h = np.tanh(convolved(image, next(p), 2) + channels(next(p)))
    h = convolved(h, next(p), 2) + channels(next(p))
    h = np.tanh(normalised(h, next(p), next(p), (1, 2, 3)))
    scores = h.reshape(5, -1) @ next(p).T + next(p)
    assert next(p, None) is None
    np.testing.assert_allclose(d(torch.tensor(image)).detach().numpy(), scores[:, 0], rtol=1e-10)


def test_mlp_version_1_with_batch_norm_maxout_and_scaled_input():
    network = MLP(
        z=4,
        g_widths=(6, 5),
        d_widths=(4, 3),
        d_activation="maxout",
        pieces=2,
        d_input_scale=4.0,
        batchnorm="both",
    )
    g, d = mixed(network.generator(RING)), mixed(network.discriminator(RING))
    z, p = inputs(7, 4), arrays(g)
    h = np.tanh(normalised(z.numpy() @ next(p).T, next(p), next(p), (0,)))
    h = np.tanh(normalised(h @ next(p).T, next(p), next(p), (0,)))
    x = h @ next(p).T + next(p)
    assert next(p, None) is None
    np.testing.assert_allclose(g(z).detach().numpy(), x, rtol=1e-10)

    p = arrays(d)
    h = normalised((x / 4) @ next(p).T, next(p), next(p), (0,)).reshape(7, 4, 2).max(2)
    h = normalised(h @ next(p).T, next(p), next(p), (0,)).reshape(7, 3, 2).max(2)
    scores = h @ next(p).T + next(p)
    assert network.version == 1
    assert next(p, None) is None
    np.testing.assert_allclose(d(torch.tensor(x)).detach().numpy(), scores[:, 0], rtol=1e-10)


# --- published settings ---


def linear(*widths):
    """Weights and biases between consecutive widths, the hand count."""
    return sum(a * b + b for a, b in pairwise(widths))


MAO = MLP()
POOLIO = MLP(z=256, g_activation="tanh", d_activation="tanh", init="orthogonal", gain=1.4)
UNROLLED = MLP(
    d_widths=(128,), g_activation="relu", d_activation="relu", init="orthogonal", gain=0.8, d_input_scale=4.0
)
PACGAN = MLP(
    z=2,
    batchnorm="generator",
    g_widths=(400,) * 4,
    g_activation="relu",
    d_widths=(200,) * 3,
    d_activation="maxout",
    pieces=5,
    init="normal",
    init_std=0.02,
)
WGAN_GP = MLP(z=2, g_widths=(512,) * 3, d_widths=(512,) * 3, g_activation="relu", d_activation="relu", init="he")
VEEGAN = MLP(z=254, d_widths=(128,), g_activation="relu", d_activation="relu", init="glorot")


@pytest.mark.parametrize(
    ("network", "g", "d"),
    [
        (MAO, 49_666, 17_025),  # 256-128-128-2: 32,896 + 16,512 + 258; 2-128-128-1: 384 + 16,512 + 129
        (POOLIO, 49_666, 17_025),
        (UNROLLED, 49_666, 513),  # 2-128-1: 384 + 129
        # 2 x 400 and three of 400 x 400, each with 800 of batch norm; 802. 2 -> 1000: 3,000; twice 200 -> 1000; 201
        (PACGAN, 484_802, 405_201),
        (WGAN_GP, 527_874, 527_361),  # 1,536 + 2 x 262,656 + 1,026; 1,536 + 2 x 262,656 + 513
        (VEEGAN, 49_410, 513),  # 254-128-128-2: 32,640 + 16,512 + 258
    ],
    ids=["mao", "poolio", "unrolled", "pacgan", "wgan_gp", "veegan"],
)
def test_protocols_of_the_mixture_experiments_have_their_sizes(network, g, d):
    assert (size(network.generator(RING)), size(network.discriminator(RING))) == (g, d)


def test_the_hand_counts_add_up():
    assert linear(256, 128, 128, 2) == 49_666
    assert linear(2, 128, 128, 1) == 17_025
    assert linear(2, 512, 512, 512, 2) == 527_874
    assert 2 * 400 + 3 * 400 * 400 + 4 * 800 + linear(400, 2) == 484_802
    assert linear(2, 1000) + 2 * linear(200, 1000) + linear(200, 1) == 405_201


@pytest.mark.parametrize(("batchnorm", "g_more", "d_more"), [("none", 0, 0), ("discriminator", 0, 1792)])
def test_lsgan64_has_the_sizes_of_the_study(batchnorm, g_more, d_more):
    space, network = Space((3, 64, 64)), LSGAN64(batchnorm=batchnorm)
    assert size(network.generator(space)) == 12_702_851 + g_more
    assert size(network.discriminator(space)) == 4_314_753 + d_more


def test_lsgan64_generator_batch_norm_follows_every_layer_but_the_last():
    assert size(LSGAN64(batchnorm="generator").generator(Space((3, 64, 64)))) == 12_702_851 + 2 * (512 + 256 + 128 + 64)


def test_dcgan_at_64_has_the_authors_sizes():
    """100 -> 4x4x1024 -> 512 -> 256 -> 128 -> 3 with kernel 5; no bias before batch norm, but for G's linear layer."""
    network, space = DCGAN(width=128, batchnorm="both"), Space((3, 64, 64))
    kernels = 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 3)
    assert size(network.generator(space)) == 101 * 16_384 + kernels + 3 + 2 * (1024 + 512 + 256 + 128)
    assert size(network.discriminator(space)) == kernels + 128 + 2 * (256 + 512 + 1024) + 16_385


def test_dcgan_for_digits_is_small():
    """width 16, kernel 4 at 8x8: 100 -> 2x2x32 -> 16 -> 1, and 1 -> 16 -> 32 -> 2x2x32 -> 1."""
    network, space = DCGAN(width=16, kernel=4), Space((1, 8, 8))
    assert size(network.generator(space)) == 101 * 128 + (16 * 32 * 16 + 16) + (16 * 16 + 1)
    assert size(network.discriminator(space)) == (16 * 16 + 16) + (16 * 16 * 32 + 32) + 129
