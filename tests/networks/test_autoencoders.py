"""The auto-encoder pairs of EBGAN and BEGAN: parameters counted by hand, parts against their layers."""

from __future__ import annotations

import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.networks.autoencoder_conv import AutoencoderConv
from ganbench.networks.autoencoder_elu import AutoencoderELU
from ganbench.networks.autoencoder_mlp import AutoencoderMLP
from ganbench.networks.base import Network
from tests.support.transcription import size

pytestmark = pytest.mark.golden

MNIST, CELEBA = Space((1, 28, 28), 10), Space((3, 64, 64))


def sizes(network: Network, space: Space) -> tuple[int, int]:
    with torch.device("meta"):
        return size(network.generator(space)), size(network.discriminator(space))


def linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def conv(inputs: int, outputs: int) -> int:
    """A convolution of kernel 4 with bias, or a transposed one."""
    return 16 * inputs * outputs + outputs


@pytest.mark.parametrize("layers", [2, 3, 4, 5])
def test_the_grid_pairs(layers: int) -> None:
    """nLayer linear layers each; batch norm replaces the bias by two numbers a hidden unit."""
    network = AutoencoderMLP(g_layers=layers, d_layers=layers, g_width=400, d_width=128)
    g = linear(100, 400) + (layers - 2) * linear(400, 400) + linear(400, 784)
    d = linear(784, 128) + (layers - 2) * linear(128, 128) + linear(128, 784)
    assert sizes(network, MNIST) == (g, d)
    both = AutoencoderMLP(g_layers=layers, d_layers=layers, g_width=400, d_width=128, batchnorm="both")
    assert sizes(both, MNIST) == (g + (layers - 1) * 400, d + (layers - 1) * 128)


def test_the_celeba_pair() -> None:
    """G: linear to 512 maps of 4x4, (256)-(128)-(64)-(3); D: (64)-(128)-(256) and (128)-(64)-(3), all 4c2s."""
    g = linear(100, 512 * 16) + conv(512, 256) + conv(256, 128) + conv(128, 64) + conv(64, 3)
    d = conv(3, 64) + conv(64, 128) + conv(128, 256) + conv(256, 128) + conv(128, 64) + conv(64, 3)
    assert sizes(AutoencoderConv(), CELEBA) == (g, d)


def test_the_digit_pair() -> None:
    d = conv(1, 64) + conv(64, 128) + conv(128, 64) + conv(64, 1)
    assert sizes(AutoencoderConv(), MNIST)[1] == d
    assert sizes(AutoencoderConv(batchnorm="discriminator"), MNIST)[1] == d + 128 + 64


@pytest.mark.parametrize(
    ("network", "space", "code"),
    [
        (AutoencoderMLP(d_layers=3, d_width=8), MNIST, 8),
        (AutoencoderMLP(d_width=8), Space((2,)), 8),
        (AutoencoderConv(width=2), CELEBA, 8 * 8 * 8),
        (AutoencoderConv(width=2), MNIST, 4 * 7 * 7),
        (AutoencoderConv(width=2), Space((1, 8, 8)), 4 * 2 * 2),
    ],
)
def test_parts(network: Network, space: Space, code: int) -> None:
    """The code is the encoder's output, the reconstruction the decoder's, the score the root mean square error."""
    net = network.discriminator(space).double()
    x = torch.rand(3, *space.shape, dtype=torch.float64)
    assert net.code(x).shape == (3, code)
    made = net.reconstruction(x)
    torch.testing.assert_close(made, net.decoder(net.encoder(x)))
    torch.testing.assert_close(net(x), ((made - x).square().flatten(1).mean(1) + 1e-6).sqrt())
    assert net.code(x).min() >= 0 or isinstance(network, AutoencoderConv)


def conv3(inputs: int, outputs: int) -> int:
    """A convolution of kernel 3 with bias."""
    return 9 * inputs * outputs + outputs


def test_the_began_pair_on_32x32x3() -> None:
    """Sides 32, 16 and 8: two convolutions each, of 128 channels in decoder and G, 128 to 384 in the encoder."""
    decoder = linear(64, 8 * 8 * 128) + 6 * conv3(128, 128) + conv3(128, 3)
    encoder = conv3(3, 128) + 2 * conv3(128, 128) + conv3(128, 128)
    encoder += conv3(128, 256) + conv3(256, 256) + conv3(256, 256)
    encoder += conv3(256, 384) + conv3(384, 384) + linear(8 * 8 * 384, 64)
    assert sizes(AutoencoderELU(), Space((3, 32, 32))) == (decoder, encoder + decoder)
    net = AutoencoderELU(width=2).discriminator(Space((3, 32, 32)))
    strides = [layer.stride for layer in net.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert strides.count((2, 2)) == 2 and net.code(torch.rand(2, 3, 32, 32)).shape == (2, 64)
    assert not any(isinstance(layer, torch.nn.ReLU) for layer in net.modules())


@pytest.mark.parametrize(("side", "fits"), [(8, True), (7, True), (28, True), (64, True), (30, False), (18, False)])
def test_sides_of_the_began_pair(side: int, fits: bool) -> None:
    assert (AutoencoderELU().unsupported(Space((1, side, side))) is None) == fits
