"""The conditional pairs: parameters counted by hand, and forward passes written out with plain tensor operations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ganbench.datasets.base import Space
from ganbench.networks.conditional_dcgan import ConditionalDCGAN
from ganbench.networks.conditional_mlp import ConditionalMLP
from ganbench.networks.lsgan_characters import LSGANCharacters
from ganbench.networks.parts.labels import join, one_hot
from tests.support.transcription import size

pytestmark = pytest.mark.golden

DIGITS, CHARACTERS, POINTS = Space((1, 28, 28), 10), Space((1, 28, 28), 3740), Space((2,), 3)


@pytest.fixture(autouse=True)
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def sizes(network, space):
    with torch.device("meta"):
        return size(network.generator(space)), size(network.discriminator(space))


def linear(inputs, outputs):
    return inputs * outputs + outputs


def test_one_hot_and_join_by_hand():
    y = torch.tensor([2, 0])
    code = one_hot(y, 3, like=torch.zeros(1))
    assert code.tolist() == [[0, 0, 1], [1, 0, 0]]
    joined = join(torch.full((2, 1, 2, 2), 5.0), code)
    assert joined.shape == (2, 4, 2, 2)
    assert joined[0, :, 1, 0].tolist() == [5, 0, 0, 1] and joined[1, :, 0, 1].tolist() == [5, 1, 0, 0]
    assert join(torch.tensor([[7.0], [8.0]]), code).tolist() == [[7, 0, 0, 1], [8, 1, 0, 0]]


# --- the first conditional GAN ---


def test_conditional_mlp_has_the_layers_of_the_paper():
    g = linear(100, 200) + linear(10, 1000) + linear(1200, 1200) + linear(1200, 784)
    d = linear(784, 240 * 5) + linear(10, 50 * 5) + linear(290, 240 * 4) + linear(240, 1)
    assert sizes(ConditionalMLP(), DIGITS) == (g, d) == (2_413_984, 1_224_351)


def test_conditional_mlp_forward_by_hand():
    network, y = ConditionalMLP(z=4, g_latent=3, g_label=5, g_widths=(6,), d_data=2, d_label=3, d_widths=(2,)), [2, 0]
    hot = torch.eye(3)[y]
    g, d = network.generator(POINTS), network.discriminator(POINTS)
    z, x = torch.randn(2, 4), torch.randn(2, 2)
    w = list(g.parameters())
    h = torch.cat([(z @ w[0].T + w[1]).relu(), (hot @ w[2].T + w[3]).relu()], 1)
    expected = (h @ w[4].T + w[5]).relu() @ w[6].T + w[7]
    torch.testing.assert_close(g(z, torch.tensor(y)), expected)
    w = list(d.parameters())
    a, b = (x @ w[0].T + w[1]).view(2, 2, 5).amax(2), (hot @ w[2].T + w[3]).view(2, 3, 5).amax(2)
    h = (torch.cat([a, b], 1) @ w[4].T + w[5]).view(2, 2, 4).amax(2)
    torch.testing.assert_close(d(x, torch.tensor(y)), (h @ w[6].T + w[7])[:, 0])


# --- conditional DCGAN ---


def test_conditional_dcgan_has_the_label_in_every_layer():
    g = linear(110, 1024) + linear(1034, 128 * 49) + (138 * 64 * 25 + 64) + (74 * 25 + 1)
    d = (11 * 64 * 25 + 64) + (74 * 128 * 25 + 128) + linear(128 * 49 + 10, 1024) + linear(1034, 1)
    assert sizes(ConditionalDCGAN(), DIGITS) == (g, d)
    both = sizes(ConditionalDCGAN(batchnorm="both"), DIGITS)
    assert both == (g + 1024 + 6272 + 64, d + 128 + 1024), "gain and offset instead of each bias"


def test_conditional_dcgan_forward_by_hand():
    space, y = Space((1, 8, 8), 2), torch.tensor([1, 0])
    network = ConditionalDCGAN(z=3, width=2, units=4, init_std=0.5)
    hot = torch.eye(2)[y]
    maps = {n: hot[:, :, None, None].expand(2, 2, n, n) for n in (2, 4, 8)}
    g, d = network.generator(space), network.discriminator(space)
    z, x = torch.randn(2, 3), torch.rand(2, 1, 8, 8)
    w = list(g.parameters())
    h = (torch.cat([z, hot], 1) @ w[0].T + w[1]).relu()
    h = (torch.cat([h, hot], 1) @ w[2].T + w[3]).relu().view(2, 4, 2, 2)
    up = {"stride": 2, "padding": 2, "output_padding": 1}
    h = F.conv_transpose2d(torch.cat([h, maps[2]], 1), w[4], w[5], **up).relu()
    h = F.conv_transpose2d(torch.cat([h, maps[4]], 1), w[6], w[7], **up).sigmoid()
    torch.testing.assert_close(g(z, y), h)
    w = list(d.parameters())
    h = F.leaky_relu(F.conv2d(torch.cat([x, maps[8]], 1), w[0], w[1], stride=2, padding=2), 0.2)
    h = F.leaky_relu(F.conv2d(torch.cat([h, maps[4]], 1), w[2], w[3], stride=2, padding=2), 0.2)
    h = F.leaky_relu(torch.cat([h.flatten(1), hot], 1) @ w[4].T + w[5], 0.2)
    torch.testing.assert_close(d(x, y), (torch.cat([h, hot], 1) @ w[6].T + w[7])[:, 0])


# --- LSGAN's characters ---


def test_lsgan_characters_has_the_odd_widths_and_counts_of_3740_classes():
    code = linear(3740, 256)
    g = code + linear(1024 + 256, 49 * 128) + (25 * 128 * 128 + 128) + (25 * 128 + 1)
    d = code + (25 * 257 + 257) + (25 * (257 + 256) * 320 + 320) + linear(49 * 320 + 256, 1024) + linear(1280, 1)
    assert code == 957_696
    assert sizes(LSGANCharacters(), CHARACTERS) == (g, d) == (9_405_057, 21_389_467)
    both = sizes(LSGANCharacters(batchnorm="both"), CHARACTERS)
    assert both == (g + 2 * (6272 + 128), d + 2 * (320 + 1024)) == (9_417_857, 21_392_155)


def test_lsgan_characters_maps_the_label_linearly_in_each_network():
    space, y = Space((1, 28, 28), 5), torch.tensor([4, 1])
    network = LSGANCharacters(z=3, code=2, g_width=2, d_width=1, units=3)
    g, d = network.generator(space), network.discriminator(space)
    for parameter in (*g.parameters(), *d.parameters()):
        torch.nn.init.normal_(parameter, std=0.3)
    z, x = torch.randn(2, 3), torch.rand(2, 1, 28, 28)
    w = list(g.parameters())
    code = w[0].T[y] + w[1]
    h = (torch.cat([z, code], 1) @ w[2].T + w[3]).relu().view(2, 2, 7, 7)
    h = F.conv_transpose2d(h, w[4], w[5], stride=2)[:, :, 1:15, 1:15].relu()
    h = F.conv_transpose2d(h, w[6], w[7], stride=2)[:, :, 1:29, 1:29].sigmoid()
    torch.testing.assert_close(g(z, y), h)
    w = list(d.parameters())
    code = w[0].T[y] + w[1]
    h = F.leaky_relu(F.conv2d(F.pad(x, (1, 2, 1, 2)), w[2], w[3], stride=2), 0.2)
    h = torch.cat([h, code[:, :, None, None].expand(2, 2, 14, 14)], 1)
    h = F.leaky_relu(F.conv2d(F.pad(h, (1, 2, 1, 2)), w[4], w[5], stride=2), 0.2)
    h = F.leaky_relu(torch.cat([h.flatten(1), code], 1) @ w[6].T + w[7], 0.2)
    torch.testing.assert_close(d(x, y), (torch.cat([h, code], 1) @ w[8].T + w[9])[:, 0])


@pytest.mark.parametrize("network", [ConditionalMLP(), ConditionalDCGAN(), LSGANCharacters()])
def test_data_without_labels_are_refused_with_what_would_fit(network):
    reason = network.unsupported(Space((1, 28, 28)))
    assert reason is not None and "with labels" in reason and "without: use dcgan or mlp" in reason
    assert network.unsupported(DIGITS) is None
