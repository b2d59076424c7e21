"""BigGAN's pair: parameters counted by hand and by the author's code, forward passes in NumPy, spectral norm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ganbench import testing
from ganbench.datasets.base import Space
from ganbench.networks.biggan import BigGAN
from ganbench.networks.parts.attention import SelfAttention
from ganbench.networks.parts.spectral import Spectral
from ganbench.testing import small_run
from tests.networks.test_residual import Transcript
from tests.support.transcription import inputs, mixed, relu, size

pytestmark = pytest.mark.golden

CIFAR, COLOUR8 = Space((3, 32, 32), 10), Space((3, 8, 8), 4)
SMALL = BigGAN(batchnorm="generator", z=7, width=3, shared=5)


def sizes(network: BigGAN, space: Space = CIFAR) -> tuple[int, int]:
    with torch.device("meta"):
        return size(network.generator(space)), size(network.discriminator(space))


# --- parameters ---


@pytest.mark.parametrize(
    ("network", "code", "part", "total"),
    [
        (BigGAN(), 128 + 32, 32, 4_373_251),
        (BigGAN(hierarchical=False), 128, 128, 4_668_163),
        (BigGAN(hierarchical=False, shared=0), 10, 128, 4_304_387),
    ],
    ids=["hierarchical", "shared", "script for CIFAR-10"],
)
def test_the_generator_has_the_parameters_of_the_authors_code(
    network: BigGAN, code: int, part: int, total: int
) -> None:
    """The totals are those of ajbrock/BigGAN-PyTorch with resolution 32, 10 classes, 64 channels."""
    block = 2 * (9 * 256 * 256 + 256) + (256 * 256 + 256) + 4 * 256 * code
    first, last = 4096 * part + 4096, 2 * 256 + 9 * 256 * 3 + 3
    assert first + 3 * block + last + 10 * network.shared == total
    assert sizes(network)[0] == total


def test_the_discriminator_has_the_parameters_of_the_authors_code() -> None:
    conv, shortcut = 9 * 256 * 256 + 256, 256 * 256 + 256
    d = (9 * 3 * 256 + 256) + conv + (3 * 256 + 256) + 6 * conv + shortcut + 257 + 10 * 256
    assert sizes(BigGAN())[1] == d == 4_207_361


def test_attention_adds_five_quarters_of_the_squared_channels_at_maps_of_half_the_side() -> None:
    g, d = sizes(BigGAN(attention=True))
    assert (g, d) == (4_455_172, 4_207_361 + 5 * 256**2 // 4 + 1)
    met: list[tuple[int, ...]] = []
    network = replace(SMALL, attention=True)
    pair = network.generator(COLOUR8), network.discriminator(COLOUR8)
    for net in pair:
        (part,) = (m for m in net.modules() if isinstance(m, SelfAttention))
        part.register_forward_hook(lambda _, given, __: met.append(tuple(given[0].shape)))
    y = torch.tensor([0, 1, 2])
    pair[1](pair[0](torch.randn(3, network.latent(COLOUR8)), y), y)
    assert met == [(3, 3, 4, 4), (3, 3, 4, 4)]


# --- forward passes ---


class Coded(Transcript):
    """The blocks' norms have gains 1 + A c and offsets B c for the block's code c."""

    code: np.ndarray | None = None

    def norm(self, x):  # type: ignore[no-untyped-def]
        if self.code is None:
            return super().norm(x)
        gain, offset = 1 + self.code @ next(self.p).T, self.code @ next(self.p).T
        normal = (x - x.mean((0, 2, 3), keepdims=True)) / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-5)
        return gain[:, :, None, None] * normal + offset[:, :, None, None]


@pytest.mark.parametrize("shared", [0, 5])
@pytest.mark.parametrize("hierarchical", [True, False])
def test_the_generator_by_hand(hierarchical: bool, shared: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """7 latents are three parts of 2 where each of two blocks takes one."""
    assert BigGAN.version == 1, "its numbers changed: derive them anew"
    monkeypatch.setattr("ganbench.networks.biggan.spectral", lambda net: net)
    network = replace(SMALL, hierarchical=hierarchical, shared=shared)
    latent = network.latent(COLOUR8)
    assert latent == (6 if hierarchical else 7)
    net, z, y = mixed(network.generator(COLOUR8)), inputs(5, latent), torch.tensor([0, 3, 1, 1, 2])
    t = Coded(net, "batch")
    label = np.eye(4)[y]
    label = label @ next(t.p).T if shared else label
    parts = np.split(z.numpy(), 3, axis=1) if hierarchical else [z.numpy()]
    h = t.linear(parts[0]).reshape(5, 3, 2, 2)
    for part in parts[1:] or (np.zeros((5, 0)),) * 2:
        t.code = np.concatenate([label, part], axis=1)
        h = t.basic(h, "up")
    t.code = None
    t.agree(net(z, y), np.tanh(t.conv(relu(t.norm(h)))))


def test_the_discriminator_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.networks.biggan.spectral", lambda net: net)
    net, x, y = mixed(SMALL.discriminator(COLOUR8)), inputs(5, 3, 8, 8), torch.tensor([0, 3, 1, 1, 2])
    t = Transcript(net, "none")
    h = t.first(x.numpy())
    for resample in ("down", "none", "none"):
        h = t.basic(h, resample)
    features = relu(h).sum((2, 3))
    score = t.linear(features)[:, 0]
    t.agree(net(x, y), score + (next(t.p).T[y] * features).sum(1))


# --- spectral norm and initial weights ---


def test_spectral_norm_is_on_every_layer_but_embeddings() -> None:
    g, d = SMALL.generator(COLOUR8), SMALL.discriminator(COLOUR8)
    normed = [len([m for m in net.modules() if isinstance(m, Spectral)]) for net in (g, d)]
    blocks, norms = 2 * 3, 2 * 2 * 2
    assert normed == [1 + blocks + norms + 1, 3 + 3 + 2 + 2 + 1 + 1]
    assert isinstance(g.code, nn.Linear)
    own = replace(SMALL, shared=0).generator(COLOUR8)
    assert len([m for m in own.modules() if isinstance(m, Spectral)]) == 1 + blocks + 1


def test_initial_weights_are_orthogonal_or_normal() -> None:
    torch.manual_seed(0)
    net = replace(SMALL, width=4).generator(COLOUR8)
    kernels = [m.weight.flatten(1) for m in net.modules() if isinstance(m, nn.Conv2d)]
    for kernel in kernels:
        torch.testing.assert_close(kernel @ kernel.t(), torch.eye(len(kernel)), atol=1e-5, rtol=0)
    plain = replace(SMALL, width=32, init="normal").discriminator(COLOUR8)
    weights = torch.cat([p.flatten() for p in plain.parameters() if p.dim() > 1])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02)


def test_it_needs_labels_and_batch_norm_in_g_alone() -> None:
    testing.check_network(SMALL, COLOUR8)
    assert "takes data with labels" in str(SMALL.unsupported(Space((3, 32, 32))))
    assert "takes square images" in str(SMALL.unsupported(Space((3, 32, 16), 10)))
    for placement in ("none", "discriminator", "both"):
        network = replace(SMALL, batchnorm=placement)  # type: ignore[arg-type]
        assert "use batchnorm generator" in str(network.conflict(small_run(network=network)))
