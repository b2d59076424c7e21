"""The pairs of particular papers: their spaces and conflicts, their batch norm layers, and their initial weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganbench.datasets.base import Space
from ganbench.networks.base import Network
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.lsgan28 import LSGAN28
from ganbench.networks.lsgan112 import LSGAN112
from ganbench.networks.maxout_mlp import MaxoutMLP
from ganbench.networks.mlp_dcgan import MLPDCGAN
from ganbench.networks.parts.layers import Gate
from ganbench.networks.parts.normalisation import BatchNorm
from ganbench.networks.parts.spectral import Spectral
from ganbench.networks.parts.weights import Layer
from ganbench.networks.resnet import ResNet
from ganbench.networks.sngan_resnet import SNGANResNet
from ganbench.spec import RunSpec

RING, DIGITS = Space((2,)), Space((1, 8, 8))


def named(value):
    if isinstance(value, Network):
        return value.notation()
    return "x".join(map(str, value.shape if isinstance(value, Space) else value))


def pair(network, space, seed=0):
    torch.manual_seed(seed)
    return network.generator(space), network.discriminator(space)


# --- spaces ---


@pytest.mark.parametrize(
    ("network", "space"),
    [
        (LSGAN28(width=4), Space((1, 28, 28))),
        (LSGAN28(width=4, batchnorm="both"), Space((3, 20, 20))),
        (LSGAN112(z=8, width=1, batchnorm="both"), Space((3, 112, 112))),
        (LSGAN112(z=8, width=3), Space((1, 48, 48))),
        (MaxoutMLP(batchnorm="both"), Space((1, 28, 28))),
        (MaxoutMLP(), Space((3, 5, 4))),
        (MLPDCGAN(width=2), Space((3, 64, 64))),
        (SNGANResNet(g_width=4, d_width=4, batchnorm="generator"), Space((3, 32, 32))),
        (SNGANResNet(g_width=2, d_width=2), Space((1, 28, 28))),
        (ResNet(width=1, blocks=1), Space((3, 64, 64))),
        (ResNet(width=2, blocks=2, layer_norm=True), Space((1, 28, 28))),
        (DCGAN(width=2, activation="gated", batchnorm="both"), Space((1, 28, 28))),
    ],
    ids=named,
)
def test_shapes_and_ranges(network, space):
    g, d = pair(network, space)
    assert network.unsupported(space) is None
    fake = g(torch.randn(3, network.z))
    assert fake.shape == (3, *space.shape)
    assert d(fake).shape == (3,)
    low, high = network.pixel_range
    assert low <= fake.min() and fake.max() <= high


@pytest.mark.parametrize(
    ("network", "space", "sentence"),
    [
        (LSGAN28(), Space((1, 30, 30)), "multiple of 4, from 8, not images of shape 1x30x30: use mlp"),
        (LSGAN28(), Space((1, 4, 4)), "not images of shape 1x4x4"),
        (LSGAN28(), RING, "not points of shape 2"),
        (LSGAN112(), Space((1, 28, 28)), "multiple of 16, not images of shape 1x28x28: use dcgan"),
        (LSGAN112(), Space((3, 32, 16)), "not images of shape 3x32x16"),
        (MaxoutMLP(), RING, "maxout_mlp makes pixels, not points of shape 2: use mlp"),
        (MLPDCGAN(), RING, "mlp_dcgan takes square images of side 8, 12, 16"),
        (SNGANResNet(), Space((3, 30, 30)), "sngan_resnet takes square images of side 8, 12, 16"),
        (ResNet(), Space((3, 30, 30)), "resnet takes square images of side 8, 12, 16"),
    ],
)
def test_reasons_name_the_space_and_what_would_fit(network, space, sentence):
    assert sentence in network.unsupported(space)


# --- norms ---


@pytest.mark.parametrize("batchnorm", ["none", "generator", "discriminator", "both"])
@pytest.mark.parametrize(
    ("network", "space", "g_features", "d_features"),
    [
        (LSGAN28(width=2, units=3), Space((1, 28, 28)), [128, 4, 2], [50, 3]),
        (LSGAN112(width=2), Space((1, 16, 16)), [8, 8, 8, 8, 8, 4, 2], [4, 8, 16]),
        (MaxoutMLP(g_widths=(4, 5), d_widths=(6, 7), pieces=2), DIGITS, [4, 5], [12, 14]),
        (MLPDCGAN(g_widths=(4, 5), width=2), Space((1, 16, 16)), [4, 5], [4]),
        (SNGANResNet(g_width=4, d_width=2), DIGITS, [4] * 5, [2] * 6),
        (ResNet(width=1, blocks=1), DIGITS, [8, 4, 4, 2], [4, 4, 8, 8]),
        (DCGAN(width=2, activation="gated"), DIGITS, [8, 4], [8]),
        (DCGAN(width=2, constant_width=True), DIGITS, [2, 2], [4]),
    ],
    ids=named,
)
def test_batch_norm_is_where_the_run_says(network, space, g_features, d_features, batchnorm):
    placed = type(network)(**vars(network) | {"batchnorm": batchnorm})
    features = [
        [len(part.weight) for part in net.modules() if isinstance(part, BatchNorm)] for net in pair(placed, space)
    ]
    assert features[0] == (g_features if placed.g_batchnorm else [])
    assert features[1] == (d_features if placed.d_batchnorm else [])


@pytest.mark.parametrize("make", [DCGAN, MLPDCGAN, SNGANResNet, ResNet])
def test_layer_norm_replaces_batch_norm_in_the_discriminator(make):
    with torch.device("meta"):
        g, d = (
            make(layer_norm=True, batchnorm="generator").generator(DIGITS),
            make(layer_norm=True).discriminator(DIGITS),
        )
        normed = make(batchnorm="both").discriminator(DIGITS)
    assert not any(isinstance(part, nn.GroupNorm) for part in g.modules())
    channels = [part.num_channels for part in d.modules() if isinstance(part, nn.GroupNorm)]
    assert channels == [len(part.weight) for part in normed.modules() if isinstance(part, BatchNorm)]


def spec(network, batch=64):
    return RunSpec(variant=None, dataset=None, network=network, optimizer=None, batch=batch)


@pytest.mark.parametrize("make", [DCGAN, MLPDCGAN, SNGANResNet, ResNet])
def test_two_norms_in_one_discriminator_are_refused(make):
    for batchnorm, refused in (("none", False), ("generator", False), ("discriminator", True), ("both", True)):
        network = make(layer_norm=True, batchnorm=batchnorm)
        reason = network.conflict(spec(network))
        assert (reason is not None and "use batchnorm none or generator" in reason) == refused


@pytest.mark.parametrize("make", [LSGAN28, LSGAN112, MaxoutMLP, MLPDCGAN])
def test_batch_norm_of_one_sample_is_refused(make):
    network = make(batchnorm="generator")
    assert "batch of at least 2" in network.conflict(spec(network, batch=1))
    assert network.conflict(spec(network, batch=2)) is None
    assert make().conflict(spec(make(), batch=1)) is None


# --- weights ---


def test_initial_weights_of_maxout_mlp_are_uniform_and_biases_0():
    g, d = pair(MaxoutMLP(), Space((1, 28, 28)))
    for net, bound in ((g, 0.05), (d, 0.005)):
        for layer in (part for part in net.modules() if isinstance(part, nn.Linear)):
            assert 0.95 * bound < layer.weight.abs().max() <= bound
            assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.07)
            assert not layer.bias.any()


@pytest.mark.parametrize("network", [LSGAN28(width=16), LSGAN112(z=64, width=16)], ids=named)
def test_lsgans_convolutions_are_truncated_and_the_rest_is_not(network):
    for net in pair(network, Space((3, 32, 32))):
        for layer in (part for part in net.modules() if isinstance(part, Layer)):
            if layer.weight.numel() > 10_000:
                truncated = isinstance(layer, nn.Conv2d)
                assert (layer.weight.abs().max() <= 0.04) == truncated
                assert layer.weight.std().item() == pytest.approx(0.0176 if truncated else 0.02, rel=0.04)


@pytest.mark.parametrize(
    ("network", "space"),
    [
        (LSGAN28(width=2, units=4), DIGITS),
        (LSGAN112(width=2), Space((1, 16, 16))),
        (MaxoutMLP(g_widths=(4,), d_widths=(4,)), DIGITS),
        (MLPDCGAN(g_widths=(8,), width=2), DIGITS),
        (SNGANResNet(g_width=2, d_width=2), DIGITS),
        (ResNet(width=2, blocks=1), DIGITS),
    ],
    ids=named,
)
def test_the_seed_decides_every_tensor(network, space):
    torch.use_deterministic_algorithms(True)  # fills uninitialised memory with NaN
    try:
        pairs = [pair(network, space, seed) for seed in (0, 0, 1)]
    finally:
        torch.use_deterministic_algorithms(False)
    for first, same, other in zip(*pairs, strict=True):
        states = [net.state_dict() for net in (first, same, other)]
        assert all(torch.isfinite(tensor).all() for tensor in states[0].values())
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
        drawn = [name for name in states[0] if name.endswith(".u") or states[0][name].dim() > 1]
        assert drawn
        assert all(not torch.equal(states[0][name], states[2][name]) for name in drawn)


def test_spectral_norm_is_on_every_layer_of_the_discriminator_or_none():
    for wanted in (True, False):
        g, d = pair(SNGANResNet(g_width=2, d_width=2, spectral=wanted), DIGITS)
        held = [part.layer for part in d.modules() if isinstance(part, Spectral)]
        assert len(held) == (len([part for part in d.modules() if isinstance(part, Layer)]) if wanted else 0)
        assert not any(isinstance(part, Spectral) for part in g.modules())


def test_a_gate_of_zero_halves():
    x = torch.tensor([[0.0, 1.0, 100.0, -1.0]])
    torch.testing.assert_close(
        Gate()(x), torch.tensor([[0.5 * torch.tanh(torch.tensor(1.0)), -torch.tanh(torch.tensor(1.0))]])
    )
