"""The parameters of every published pair, counted by hand from its layers. On the device `meta`, without memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.lsgan28 import LSGAN28
from ganbench.networks.lsgan112 import LSGAN112
from ganbench.networks.maxout_mlp import MaxoutMLP
from ganbench.networks.mlp_dcgan import MLPDCGAN
from ganbench.networks.resnet import ResNet
from ganbench.networks.sndcgan import SNDCGAN
from ganbench.networks.sndcgan_autoencoder import SNDCGANAutoEncoder
from ganbench.networks.sngan_resnet import SNGANResNet
from tests.support.transcription import size

pytestmark = pytest.mark.golden

DIGITS, COLOUR32, COLOUR64 = Space((1, 28, 28)), Space((3, 32, 32)), Space((3, 64, 64))


@pytest.fixture(autouse=True)
def no_memory() -> Iterator[None]:
    with torch.device("meta"):
        yield


def sizes(network, space):
    return size(network.generator(space)), size(network.discriminator(space))


def conv(kernel, inputs, outputs):
    """A convolution with bias, or a transposed one."""
    return kernel * kernel * inputs * outputs + outputs


def linear(inputs, outputs):
    return inputs * outputs + outputs


# --- LSGAN ---

SCENES = Space((3, 112, 112))
SCENES_G = linear(1024, 7 * 7 * 256) + 4 * conv(3, 256, 256) + conv(3, 256, 128) + conv(3, 128, 64) + conv(3, 64, 3)
SCENES_D = conv(5, 3, 64) + conv(5, 64, 128) + conv(5, 128, 256) + conv(5, 256, 512) + linear(7 * 7 * 512, 1)


def test_the_hand_counts_of_the_scene_model_add_up():
    assert SCENES_G == 12_857_600 + 4 * 590_080 + 295_040 + 73_792 + 1_731 == 15_588_483
    assert SCENES_D == 4_864 + 204_928 + 819_456 + 3_277_312 + 25_089 == 4_331_649


@pytest.mark.parametrize("batchnorm", ["none", "generator", "discriminator", "both"])
def test_lsgan112_has_the_layers_of_figure_3(batchnorm):
    g, d = sizes(LSGAN112(batchnorm=batchnorm), SCENES)
    g_norms, d_norms = 2 * (5 * 256 + 128 + 64), 2 * (128 + 256 + 512)
    assert g == SCENES_G + (g_norms if batchnorm in ("generator", "both") else 0)
    assert d == SCENES_D + (d_norms if batchnorm in ("discriminator", "both") else 0)


def test_lsgan112_on_other_sides():
    """width 4 at 32x32x1: 16 channels at 2x2, four convolutions of 16, then 8, 4, 1; D 4, 8, 16, 32 down to 2x2."""
    g, d = sizes(LSGAN112(z=5, width=4), Space((1, 32, 32)))
    assert g == linear(5, 2 * 2 * 16) + 4 * conv(3, 16, 16) + conv(3, 16, 8) + conv(3, 8, 4) + conv(3, 4, 1)
    assert d == conv(5, 1, 4) + conv(5, 4, 8) + conv(5, 8, 16) + conv(5, 16, 32) + linear(2 * 2 * 32, 1)


@pytest.mark.parametrize("batchnorm", ["none", "both"])
def test_lsgan28_has_the_layers_of_the_authors(batchnorm):
    """G 100 -> 4x4x512 -> 256 -> 128 -> 1; D 1 -> 20 -> 50 -> 500 -> 1. The first norm of G is of 8192 features."""
    g, d = sizes(LSGAN28(batchnorm=batchnorm), DIGITS)
    norms = (2 * (8192 + 256 + 128), 2 * (50 + 500)) if batchnorm == "both" else (0, 0)
    assert g == linear(100, 8192) + conv(5, 512, 256) + conv(5, 256, 128) + conv(5, 128, 1) + norms[0]
    assert d == conv(5, 1, 20) + conv(5, 20, 50) + linear(7 * 7 * 50, 500) + linear(500, 1) + norms[1]
    assert (g - norms[0], d - norms[1]) == (4_926_977, 1_251_571)


def test_lsgan28_on_other_sides():
    """At 8x8 the maps are 1x1, 2x2 and 4x4."""
    g, d = sizes(LSGAN28(z=5, width=4, units=7), Space((3, 8, 8)))
    assert g == linear(5, 16) + conv(5, 16, 8) + conv(5, 8, 4) + conv(5, 4, 3)
    assert d == conv(5, 3, 20) + conv(5, 20, 50) + linear(2 * 2 * 50, 7) + linear(7, 1)


# --- the first GAN ---


def test_maxout_mlp_has_the_layers_for_mnist():
    """G 100-1200-1200-784. D 784 -> 240 units of 5 pieces -> 240 of 5 -> 1."""
    g, d = sizes(MaxoutMLP(), DIGITS)
    assert g == linear(100, 1200) + linear(1200, 1200) + linear(1200, 784) == 2_503_984
    assert d == linear(784, 240 * 5) + linear(240, 240 * 5) + linear(240, 1) == 1_231_441


# --- WGAN-GP's difficult architectures, at 64x64 ---

PLAIN_D = conv(5, 3, 64) + conv(5, 64, 128) + conv(5, 128, 256) + conv(5, 256, 512) + linear(4 * 4 * 512, 1)
NORMS_D, NORMS_G = 2 * (128 + 256 + 512), 2 * (512 + 256 + 128 + 64)
BIASES_D, BIASES_G = 128 + 256 + 512, 256 + 128 + 64  # which layers before batch norm do not have


def plain_g(z):
    return linear(z, 4 * 4 * 512) + conv(5, 512, 256) + conv(5, 256, 128) + conv(5, 128, 64) + conv(5, 64, 3)


def test_baseline_and_no_normalisation():
    assert sizes(DCGAN(z=128), COLOUR64) == (plain_g(128), PLAIN_D)
    both = sizes(DCGAN(z=128, batchnorm="both"), COLOUR64)
    assert both == (plain_g(128) + NORMS_G - BIASES_G, PLAIN_D + NORMS_D - BIASES_D)


def test_layer_norm_has_gains_and_offsets_and_keeps_the_biases():
    assert sizes(DCGAN(z=128, layer_norm=True), COLOUR64) == (plain_g(128), PLAIN_D + NORMS_D)


def test_constant_width():
    """4x4x64 -> 64 -> 64 -> 64 -> 3 against DCGAN's D."""
    g, d = sizes(DCGAN(z=128, constant_width=True), COLOUR64)
    assert (g, d) == (linear(128, 4 * 4 * 64) + 3 * conv(5, 64, 64) + conv(5, 64, 3), PLAIN_D)


def test_fully_connected_generator():
    """128 -> 512 four times -> 12,288 against DCGAN's D."""
    g, d = sizes(MLPDCGAN(), COLOUR64)
    assert (g, d) == (linear(128, 512) + 3 * linear(512, 512) + linear(512, 12_288), PLAIN_D)


@pytest.mark.parametrize("norm", [False, True])
def test_gates_double_the_channels(norm):
    """Every hidden layer makes twice the channels that the next one takes, and batch norm is of all of them."""
    g, d = sizes(DCGAN(z=128, activation="gated", batchnorm="both" if norm else "none"), COLOUR64)
    up = linear(128, 4 * 4 * 1024) + conv(5, 512, 512) + conv(5, 256, 256) + conv(5, 128, 128) + conv(5, 64, 3)
    down = conv(5, 3, 128) + conv(5, 64, 256) + conv(5, 128, 512) + conv(5, 256, 1024) + linear(4 * 4 * 512, 1)
    assert g == up + norm * 2 * (NORMS_G - BIASES_G)
    assert d == down + norm * 2 * (NORMS_D - BIASES_D)


def test_tanh_has_no_parameters():
    assert sizes(DCGAN(z=128, activation="tanh"), COLOUR64) == (plain_g(128), PLAIN_D)


def bottleneck(c):
    """1x1 to half the channels, 3x3 within them, 1x1 back without bias."""
    return conv(1, c, c // 2) + conv(3, c // 2, c // 2) + (c // 2) * c


def resampled(inputs, outputs):
    """As above from one number of channels to another, without the shortcut."""
    return conv(1, inputs, inputs // 2) + conv(3, inputs // 2, outputs // 2) + (outputs // 2) * outputs


STAGES = ((512, 256), (256, 128), (128, 64), (64, 32))


@pytest.mark.parametrize("batchnorm", ["none", "both"])
def test_resnet_of_101_layers(batchnorm):
    """Six blocks at each of 4, 8, 16 and 32, five at 64, one from side to side; channels 512, 256, 128, 64, 32."""
    g, d = sizes(ResNet(batchnorm=batchnorm), COLOUR64)
    blocks = 6 * sum(map(bottleneck, (512, 256, 128, 64))) + 5 * bottleneck(32)
    gains = 2 * (6 * (512 + 256 + 128 + 64) + 5 * 32) if batchnorm == "both" else 0
    up = sum(resampled(a, b) + conv(1, a, 4 * b) for a, b in STAGES)
    down = sum(resampled(b, a) + conv(1, b, a) for a, b in STAGES)
    g_more, d_more = (2 * (256 + 128 + 64 + 32), 2 * (64 + 128 + 256 + 512)) if batchnorm == "both" else (0, 0)
    assert g == linear(128, 4 * 4 * 512) + blocks + gains + up + g_more + conv(1, 32, 3)
    assert d == conv(1, 3, 32) + blocks + gains + down + d_more + linear(4 * 4 * 512, 1)


def test_resnet_at_28_with_other_widths():
    """7x7 with 16 channels, 14x14 with 8, 28x28 with 4; one block each, none at the image's own side."""
    g, d = sizes(ResNet(z=5, width=2, blocks=1), DIGITS)
    inner = bottleneck(16) + bottleneck(8)
    up = resampled(16, 8) + conv(1, 16, 4 * 8) + resampled(8, 4) + conv(1, 8, 4 * 4)
    down = resampled(4, 8) + conv(1, 4, 8) + resampled(8, 16) + conv(1, 8, 16)
    assert g == linear(5, 7 * 7 * 16) + inner + up + conv(1, 4, 1)
    assert d == conv(1, 1, 4) + inner + down + linear(7 * 7 * 16, 1)


# --- the residual pairs for CIFAR-10 ---


def test_sngan_resnet_has_the_sizes_of_the_paper():
    """Three blocks of two 3x3 and a shortcut in G; in D the first from the image, one with and two without shortcut."""
    g, d = sizes(SNGANResNet(batchnorm="generator"), COLOUR32)
    block = 2 * conv(3, 256, 256) + conv(1, 256, 256)
    assert g == linear(128, 4 * 4 * 256) + 3 * (block + 2 * 2 * 256) + 2 * 256 + conv(3, 256, 3) == 4_276_739
    first = conv(3, 3, 128) + conv(3, 128, 128) + conv(1, 3, 128)
    assert d == first + 6 * conv(3, 128, 128) + conv(1, 128, 128) + 128 == 1_053_824


def test_wgan_gp_has_the_narrower_one():
    g, d = sizes(SNGANResNet(g_width=128, spectral=False, pool="mean", batchnorm="both"), COLOUR32)
    block = 2 * conv(3, 128, 128) + conv(1, 128, 128)
    assert g == linear(128, 4 * 4 * 128) + 3 * (block + 4 * 128) + 2 * 128 + conv(3, 128, 3)
    assert d == 1_053_824 + 3 * 4 * 128


# --- SN-GAN's standard CNN and chainer-gan-lib's DCGAN ---

HALVINGS = conv(4, 64, 128) + conv(4, 128, 256) + conv(4, 256, 512)
DOUBLINGS = HALVINGS - (128 + 256 + 512) + (256 + 128 + 64)
SEVEN = conv(3, 3, 64) + HALVINGS + conv(3, 128, 128) + conv(3, 256, 256) + conv(3, 512, 512) + linear(4 * 4 * 512, 1)
LIBRARY_G = linear(128, 8192) + DOUBLINGS + conv(3, 64, 3)


@pytest.mark.parametrize("batchnorm", ["none", "generator", "both"])
def test_sndcgan_has_seven_convolutions_in_d_and_a_further_last_one_in_g(batchnorm):
    """The library's layers keep a bias before batch norm, which changes no output; D's batch norm has offsets alone."""
    g, d = sizes(SNDCGAN(batchnorm=batchnorm), COLOUR32)
    before_g, before_d = 8192 + 256 + 128 + 64, 2 * (128 + 256) + 512 + 512
    library_g = LIBRARY_G + (0 if batchnorm == "none" else 2 * before_g)
    library_d = SEVEN + (before_d if batchnorm == "both" else 0)
    assert (LIBRARY_G, SEVEN, before_d) == (3_811_459, 5_860_865, 1_792)
    assert g == library_g - (0 if batchnorm == "none" else before_g)
    assert d == library_d - (before_d if batchnorm == "both" else 0)


@pytest.mark.parametrize(("side", "g_size", "d_size"), [(32, 3_811_459, 2_935_873), (48, 5_132_419, 2_946_113)])
def test_sn_gans_standard_cnn_doubles_the_channels_after_the_halving(side, g_size, d_size):
    """Table 3, with maps of an eighth of the side; G has biases before batch norm there, which change no output."""
    base = (side // 8) ** 2
    g, d = sizes(SNDCGAN(spectral=True, slope=0.1, widen="next"), Space((3, side, side)))
    pairs = [conv(4, c, c) + conv(3, c, 2 * c) for c in (64, 128, 256)]
    assert d == conv(3, 3, 64) + sum(pairs) + linear(512 * base, 1) == d_size
    assert g == linear(128, 512 * base) + DOUBLINGS + conv(3, 64, 3) == g_size


def test_minibatch_discrimination_adds_its_tensor_and_a_weight_for_each_kernel():
    network = SNDCGAN(batchnorm="both", minibatch_kernels=100, minibatch_own=False)
    assert sizes(network, COLOUR32)[1] - sizes(SNDCGAN(batchnorm="both"), COLOUR32)[1] == 8192 * 100 * 5 + 100


def test_the_auto_encoder_of_the_library_has_a_code_of_128():
    g, d = sizes(SNDCGANAutoEncoder(), COLOUR32)
    encoder = conv(3, 3, 64) + HALVINGS + linear(8192, 128)
    assert d == encoder + linear(128, 8192) + DOUBLINGS + conv(3, 64, 3) == 7_615_363
    assert g == LIBRARY_G
