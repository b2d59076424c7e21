"""Networks: shapes, placement of batch norm, and initialisation."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from torch import nn

from ganbench.datasets.base import Space
from ganbench.networks.base import Network
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.lsgan64 import LSGAN64
from ganbench.networks.mlp import MLP
from ganbench.networks.parts.normalisation import BatchNorm
from ganbench.networks.parts.spaces import halvings
from ganbench.spec import RunSpec

RING, DIGITS, COLOUR64 = Space((2,)), Space((1, 8, 8)), Space((3, 64, 64))
LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def named(value):
    """`dcgan[width=4]` or `1x8x8`, for the names of the tests."""
    return value.notation() if isinstance(value, Network) else "x".join(map(str, value.shape))


def pair(network, space, seed=0):
    torch.manual_seed(seed)
    return network.generator(space), network.discriminator(space)


def norms(net):
    return [module for module in net.modules() if isinstance(module, BatchNorm)]


def layers(net):
    return [module for module in net.modules() if isinstance(module, LAYERS)]


def normed_layers(net):
    """The indices of the layers that batch norm follows."""
    kinds = [type(m) for m in net.modules() if isinstance(m, (*LAYERS, BatchNorm))]
    weighted = [i for i, kind in enumerate(kinds) if kind is not BatchNorm]
    return [n for n, i in enumerate(weighted) if kinds[i + 1 : i + 2] == [BatchNorm]]


# --- shapes and ranges ---


@pytest.mark.parametrize(
    ("network", "space"),
    [
        (MLP(), RING),
        (MLP(), Space((700,))),
        (MLP(d_activation="maxout", g_activation="softplus", batchnorm="both"), Space((1, 28, 28))),
        (MLP(g_widths=(), d_widths=()), RING),
        (DCGAN(width=4), DIGITS),
        (DCGAN(width=4, padding="tf_same", batchnorm="both"), Space((1, 28, 28))),
        (DCGAN(width=4, padding="tf_same", kernel=3), Space((3, 32, 32))),
        (DCGAN(width=2, kernel=4), Space((1, 48, 48))),
        (DCGAN(width=2, kernel=3), Space((3, 128, 128))),
        (LSGAN64(batchnorm="discriminator"), COLOUR64),
    ],
    ids=named,
)
def test_shapes(network, space):
    g, d = pair(network, space)
    assert network.unsupported(space) is None
    fake = g(torch.randn(3, network.z))
    assert fake.shape == (3, *space.shape)
    assert d(fake).shape == (3,)
    if space.is_image:
        assert fake.abs().max() <= 1


def test_points_are_not_squashed_and_images_are():
    with torch.no_grad():
        for space, bounded in ((RING, False), (DIGITS, True)):
            g, _ = pair(MLP(gain=10.0), space)
            assert (g(torch.randn(100, 256)).abs().max() <= 1) == bounded


def test_input_scale_divides():
    (_, plain), (_, scaled) = pair(MLP(), RING), pair(MLP(d_input_scale=4.0), RING)
    x = torch.randn(5, 2)
    torch.testing.assert_close(scaled(x), plain(x / 4))


@pytest.mark.parametrize(
    ("side", "sides"),
    [
        (8, (8, 4, 2)),
        (16, (16, 8, 4)),
        (28, (28, 14, 7)),
        (48, (48, 24, 12, 6)),
        (64, (64, 32, 16, 8, 4)),
        (4, ()),
        (7, ()),
        (30, ()),
        (100, ()),
    ],
)
def test_halvings(side, sides):
    assert halvings(side) == sides


@given(st.integers(1, 600))
def test_halvings_halve_exactly_and_end_small(side):
    sides = halvings(side)
    assert all(a == 2 * b for a, b in pairwise(sides))
    assert sides == () or (sides[0] == side and len(sides) >= 3 and sides[-1] <= 7)


def test_channels_double_up_to_eight_times_the_width():
    _, d = pair(DCGAN(width=2, kernel=3), Space((3, 128, 128)))
    assert [layer.out_channels for layer in layers(d)[:-1]] == [2, 4, 8, 16, 16]


@pytest.mark.parametrize(
    ("network", "space", "sentence"),
    [
        (DCGAN(), RING, "not points of shape 2: use mlp"),
        (DCGAN(), Space((3, 48, 40)), "not images of shape 3x48x40: use mlp"),
        (DCGAN(), Space((1, 30, 30)), "side 8, 12, 16, 28, 32, 48, 64, 128 and the like, not images of shape 1x30x30"),
        (
            LSGAN64(),
            Space((3, 32, 32)),
            "lsgan64 takes images of shape 3x64x64, not images of shape 3x32x32: use dcgan",
        ),
        (LSGAN64(), RING, "not points of shape 2"),
    ],
)
def test_reasons_name_the_space_and_what_would_fit(network, space, sentence):
    assert sentence in network.unsupported(space)


def test_options_are_validated():
    adapter = TypeAdapter(MLP)
    assert adapter.validate_json('{"g_widths": [4, 5], "batchnorm": "both"}') == MLP(g_widths=(4, 5), batchnorm="both")
    for wrong in ('{"g_widths": [0]}', '{"g_activation": "maxout"}', '{"gain": 0}', '{"depth": 3}'):
        with pytest.raises(ValidationError):
            adapter.validate_json(wrong)
    with pytest.raises(ValidationError):
        TypeAdapter(DCGAN).validate_json('{"kernel": 6}')


# --- batch norm ---


@pytest.mark.parametrize("batchnorm", ["none", "generator", "discriminator", "both"])
@pytest.mark.parametrize(
    ("network", "space", "g_normed", "d_normed"),
    [
        (MLP, RING, [0, 1], [0, 1]),
        (DCGAN, DIGITS, [0, 1], [1]),
        (DCGAN, Space((1, 32, 32)), [0, 1, 2], [1, 2]),
        (LSGAN64, COLOUR64, [0, 1, 2, 3], [1, 2, 3]),
    ],
)
def test_batch_norm_is_where_the_run_says(network, space, g_normed, d_normed, batchnorm):
    g, d = pair(network(batchnorm=batchnorm), space)
    assert normed_layers(g) == (g_normed if batchnorm in ("generator", "both") else [])
    assert normed_layers(d) == (d_normed if batchnorm in ("discriminator", "both") else [])


@pytest.mark.parametrize(("network", "space"), [(MLP, RING), (DCGAN, DIGITS), (LSGAN64, COLOUR64)])
def test_batch_norm_has_eps_1e_5_and_momentum_0_1(network, space):
    for net in pair(network(batchnorm="both"), space):
        assert norms(net)
        for norm in norms(net):
            assert norm.eps == 1e-5
            assert norm.momentum == 0.1


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 4, 4)])
def test_batch_norm_is_torchs_own(shape):
    ours, theirs = BatchNorm(3), (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(3, eps=1e-5, momentum=0.1)
    for _ in range(3):
        x = torch.randn(shape) * 2 + 1
        torch.testing.assert_close(ours(x), theirs(x))
    assert torch.equal(ours.running_mean, theirs.running_mean)
    assert torch.equal(ours.running_var, theirs.running_var)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_running_statistics_keep_nine_tenths():
    norm, x = BatchNorm(1), torch.tensor([[1.0], [3.0]])
    norm(x)
    torch.testing.assert_close(norm.running_mean, torch.tensor([0.2]))
    torch.testing.assert_close(norm.running_var, torch.tensor([0.9 + 0.1 * 2.0]))


def test_a_layer_before_batch_norm_has_no_bias_and_others_have_one():
    for network, space in ((MLP, RING), (DCGAN, Space((1, 16, 16)))):
        for batchnorm in ("none", "both"):
            _, d = pair(network(batchnorm=batchnorm), space)
            biasless = [n for n, layer in enumerate(layers(d)) if layer.bias is None]
            assert biasless == normed_layers(d)


def test_batch_norm_conflicts_with_a_batch_of_one():
    def spec(network, batch):
        return RunSpec(variant=None, dataset=None, network=network, optimizer=None, batch=batch)

    network = MLP(batchnorm="generator")
    assert "batch of at least 2" in network.conflict(spec(network, 1))
    assert network.conflict(spec(network, 2)) is None
    assert MLP().conflict(spec(MLP(), 1)) is None


# --- initialisation ---


@pytest.mark.parametrize(
    ("network", "space"),
    [
        (DCGAN(width=4, batchnorm="both"), DIGITS),
        *((MLP(init=init), RING) for init in ("orthogonal", "normal", "glorot", "he", "torch")),
    ],
    ids=named,
)
def test_the_seed_decides_every_parameter(network, space):
    torch.use_deterministic_algorithms(True)  # fills uninitialised memory with NaN
    try:
        pairs = [pair(network, space, seed) for seed in (0, 0, 1)]
    finally:
        torch.use_deterministic_algorithms(False)
    for first, same, other in zip(*pairs, strict=True):
        assert all(torch.isfinite(param).all() for param in first.parameters())
        assert all(torch.equal(a, b) for a, b in zip(first.parameters(), same.parameters(), strict=True))
        assert all(not torch.equal(a.weight, b.weight) for a, b in zip(layers(first), layers(other), strict=True))


@pytest.mark.parametrize(("network", "space"), [(MLP, RING), (DCGAN, DIGITS), (LSGAN64, COLOUR64)])
def test_batch_norm_does_not_change_the_initial_weights(network, space):
    for seed, make in enumerate(("generator", "discriminator")):
        nets = []
        for batchnorm in ("none", "both"):
            torch.manual_seed(seed)
            nets.append(getattr(network(batchnorm=batchnorm), make)(space))
        for plain, normed in zip(*map(layers, nets), strict=True):
            assert torch.equal(plain.weight, normed.weight)


def test_orthogonal_weights():
    g, d = pair(MLP(gain=0.8), RING)
    wide, square = layers(g)[0].weight, layers(d)[1].weight
    torch.testing.assert_close(wide @ wide.T, 0.64 * torch.eye(128), rtol=0, atol=1e-5)
    torch.testing.assert_close(square @ square.T, 0.64 * torch.eye(128), rtol=0, atol=1e-5)
    assert all((layer.bias == 0).all() for layer in layers(g))


@pytest.mark.parametrize(
    ("init", "variance", "bound"),
    [
        ("normal", 0.05**2, None),
        ("glorot", 2 / (256 + 128), (6 / (256 + 128)) ** 0.5),
        ("he", 2 / 256, (6 / 256) ** 0.5),
        ("torch", 1 / (3 * 256), (1 / 256) ** 0.5),
    ],
)
def test_other_initialisations_of_the_mlp(init, variance, bound):
    g, _ = pair(MLP(init=init, init_std=0.05), RING)
    first = layers(g)[0]
    assert first.weight.var().item() == pytest.approx(variance, rel=0.03)
    assert bound is None or 0.99 * bound < first.weight.abs().max() <= bound
    assert (first.bias == 0).all() == (init != "torch")


def test_dcgan_weights_are_normal_and_gains_are_around_one():
    for net in pair(DCGAN(width=32, batchnorm="both"), Space((1, 32, 32))):
        for layer in layers(net):
            if layer.weight.numel() > 1000:
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert layer.bias is None or (layer.bias == 0).all()
        gains = torch.cat([norm.weight for norm in norms(net)])
        assert gains.mean().item() == pytest.approx(1, abs=0.01)
        assert gains.std().item() == pytest.approx(0.02, rel=0.25)
        assert all((norm.bias == 0).all() for norm in norms(net))


def test_lsgan64_convolutions_are_truncated_and_the_rest_is_not():
    g, d = pair(LSGAN64(batchnorm="discriminator"), COLOUR64)
    *convolutions, last = layers(d)
    for layer in convolutions:
        assert layer.weight.abs().max() <= 0.04
        assert layer.weight.std().item() == pytest.approx(0.0176, rel=0.03)
    for layer in (*layers(g), last):
        assert layer.weight.abs().max() > 0.04
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.03)


def test_a_dcgan_for_large_images_has_at_most_eight_times_its_width() -> None:
    with torch.device("meta"):
        network = DCGAN(width=4)
        space = Space((1, 128, 128))
        for module in (network.generator(space), network.discriminator(space)):
            channels = [part.out_channels for part in module.modules() if isinstance(part, nn.Conv2d)]
            channels += [part.in_channels for part in module.modules() if isinstance(part, nn.ConvTranspose2d)]
            assert max(channels) == 32
