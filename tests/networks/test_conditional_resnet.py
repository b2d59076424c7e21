"""SN-GAN's residual pair with labels and attention: parameters by hand, and forward passes in NumPy, in float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ganbench import testing
from ganbench.datasets.base import Space
from ganbench.networks.parts.attention import SelfAttention
from ganbench.networks.parts.labels import ConditionalBatchNorm
from ganbench.networks.parts.normalisation import BatchNorm
from ganbench.networks.parts.spectral import Spectral
from ganbench.networks.sngan_resnet import SNGANResNet
from ganbench.testing import small_run
from tests.networks.test_residual import Transcript
from tests.support.transcription import inputs, mixed, relu, size

pytestmark = pytest.mark.golden

CIFAR, COLOUR8 = Space((3, 32, 32), 10), Space((3, 8, 8), 4)
USES = ("projection", "classifier", "embeddings")
SMALL = SNGANResNet(z=6, g_width=3, d_width=2, embedding=5, batchnorm="generator", spectral=False)


def sizes(network: SNGANResNet, space: Space = CIFAR) -> tuple[int, int]:
    with torch.device("meta"):
        return size(network.generator(space)), size(network.discriminator(space))


# --- parameters ---

PLAIN_G, PLAIN_D = 4_276_739, 1_053_824  # of table 4


def test_labels_add_gains_and_offsets_to_the_blocks_and_a_vector_of_each_class_to_the_score() -> None:
    """Six norms of 256 channels have 10 classes instead of one; the last norm has none, as in the authors' code."""
    g = PLAIN_G + 6 * 2 * 256 * 9
    network = SNGANResNet(batchnorm="generator")
    assert sizes(network) == (PLAIN_G, PLAIN_D)
    assert sizes(replace(network, labels="projection")) == (g, PLAIN_D + 10 * 128)
    assert sizes(replace(network, labels="classifier")) == (g, PLAIN_D + 10 * 128 + 10)
    assert sizes(replace(network, labels="embeddings")) == (g, PLAIN_D + (128 * 512 + 512) + 10 * 512)


def test_attention_adds_five_quarters_of_the_squared_channels() -> None:
    """Two convolutions to an eighth of the channels, one to half of them and one back, and a gain."""
    g, d = 2 * 256 * 32 + 2 * 256 * 128 + 1, 2 * 128 * 16 + 2 * 128 * 64 + 1
    assert (g, d) == (5 * 256**2 // 4 + 1, 5 * 128**2 // 4 + 1)
    assert sizes(SNGANResNet(batchnorm="generator", attention=True)) == (PLAIN_G + g, PLAIN_D + d)


def test_attention_sees_maps_of_half_the_side() -> None:
    met: list[tuple[int, ...]] = []
    network = replace(SMALL, attention=True)
    g, d = network.generator(COLOUR8), network.discriminator(COLOUR8)
    for net in (g, d):
        (part,) = (m for m in net.modules() if isinstance(m, SelfAttention))
        part.register_forward_hook(lambda _, given, __: met.append(tuple(given[0].shape)))
    d(g(torch.randn(5, 6)))
    assert met == [(5, 3, 4, 4), (5, 2, 4, 4)]


def test_spectral_norm_in_g_is_on_every_linear_layer_and_convolution_and_keeps_the_weights() -> None:
    nets = []
    for wanted in (False, True):
        torch.manual_seed(0)
        nets.append(replace(SMALL, g_spectral=wanted).generator(COLOUR8))
    plain, normed = nets
    layers = [m for m in plain.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    own = [m for m in normed.modules() if isinstance(m, Spectral)]
    assert len(own) == len(layers) == 1 + 2 * 3 + 1
    assert all(torch.equal(a.weight, b.layer.weight) for a, b in zip(layers, own, strict=True))
    assert size(plain) == size(normed)


# --- forward passes ---


def test_a_class_has_its_own_gain_and_offset_over_the_statistics_of_all() -> None:
    torch.manual_seed(0)
    norm, plain = ConditionalBatchNorm(3, classes=2).double(), BatchNorm(3).double()
    for param in norm.parameters():
        nn.init.normal_(param)
    x, y = inputs(6, 3, 4, 4), torch.tensor([0, 1, 1, 0, 1, 0])
    for _ in range(2):
        normal = plain(x)
        expected = torch.stack(
            [norm.gains[c][:, None, None] * h + norm.offsets[c][:, None, None] for h, c in zip(normal, y, strict=True)]
        )
        torch.testing.assert_close(norm(x, y), expected)
        assert torch.equal(norm.running_mean, plain.running_mean) and torch.equal(norm.running_var, plain.running_var)
        plain.eval(), norm.eval()
    assert norm(x[:, :, 0, 0], y).shape == (6, 3)


class Conditional(Transcript):
    """The blocks' norms take a gain and an offset by the label."""

    def __init__(self, net: nn.Module, y: np.ndarray) -> None:
        super().__init__(net, "batch")
        self.y = y

    def norm(self, x):
        gains, offsets = next(self.p), next(self.p)
        mean, variance = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
        normal = (x - mean) / np.sqrt(variance + 1e-5)
        if gains.ndim == 1:
            return gains[:, None, None] * normal + offsets[:, None, None]
        return gains[self.y][:, :, None, None] * normal + offsets[self.y][:, :, None, None]


@pytest.mark.parametrize("use", USES)
def test_forward_by_hand(use: str) -> None:
    network, y = replace(SMALL, labels=use), torch.tensor([3, 0, 1, 1, 2])  # type: ignore[arg-type]
    g, d = mixed(network.generator(COLOUR8)), mixed(network.discriminator(COLOUR8))
    z, t = inputs(5, 6), Conditional(g, y.numpy())
    h = t.linear(z.numpy()).reshape(5, 3, 2, 2)
    h = t.basic(t.basic(h, "up"), "up")
    image = np.tanh(t.conv(relu(t.norm(h))))
    t.agree(g(z, y), image)

    t = Transcript(d, "none")
    h = t.first(image)
    for resample in ("down", "none", "none"):
        h = t.basic(h, resample)
    h = relu(h).sum((2, 3))
    x, score = torch.tensor(image), t.linear(h, bias=False)[:, 0]
    np.testing.assert_allclose(d.features(x, y).detach().numpy(), h)
    if use == "projection":
        score = score + (next(t.p).T[y.numpy()] * h).sum(1)
    elif use == "classifier":
        logits = t.linear(h)
        np.testing.assert_allclose(d.score_and_logits(x, y).detach().numpy(), np.column_stack([score, logits]))
    else:
        own, proxy = t.linear(h), next(t.p).T[y.numpy()]
        on_sphere = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (own, proxy)]
        made = d.score_and_embeddings(x, y).detach().numpy()
        np.testing.assert_allclose(made, np.column_stack([score, *on_sphere]))
    t.agree(d(x, y), score)


def test_attention_by_hand() -> None:
    """Every query looks at the largest keys and values of each square of 2x2 pixels."""
    layer = mixed(SelfAttention(8))
    x = inputs(2, 8, 4, 6)
    gain, query, key, value, out = (p.detach().numpy() for p in layer.parameters())
    expected = np.empty((2, 8, 4, 6))
    for n, image in enumerate(x.numpy()):
        q, k, v = (np.einsum("oi,ihw->ohw", w[:, :, 0, 0], image) for w in (query, key, value))
        k, v = (part.reshape(-1, 2, 2, 3, 2).max((2, 4)) for part in (k, v))
        for i, j in np.ndindex(4, 6):
            likeness = np.exp(np.einsum("o,ohw->hw", q[:, i, j], k))
            seen = (v * (likeness / likeness.sum())).sum((1, 2))
            expected[n, :, i, j] = image[:, i, j] + gain * (out[:, :, 0, 0] @ seen)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected)


def test_attention_starts_as_nothing() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 8, 4, 4)
    layer = SelfAttention(8)
    for param in list(layer.parameters())[1:]:
        nn.init.normal_(param)
    assert torch.equal(layer(x), x)


# --- the contract ---


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("batchnorm", ["generator", "both"])
def test_the_conditional_pairs_keep_the_contract_of_networks(use: str, batchnorm: str) -> None:
    network = SNGANResNet(z=4, g_width=4, d_width=4, embedding=3, labels=use, attention=True, g_spectral=True)  # type: ignore[arg-type]
    testing.check_network(network, Space((1, 8, 8), 10))


def test_what_does_not_fit() -> None:
    network = SNGANResNet(labels="projection")
    assert network.conditional and not SNGANResNet().conditional
    assert "use dcgan or mlp" in str(network.unsupported(Space((3, 32, 32))))
    assert network.unsupported(CIFAR) is None and SNGANResNet().unsupported(Space((3, 32, 32))) is None
    reason = network.conflict(small_run(network=network))
    assert reason is not None and "use batchnorm generator or both" in reason
    placed = replace(network, batchnorm="both")
    assert placed.conflict(small_run(network=placed)) is None
