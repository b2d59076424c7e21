"""Residual networks against a NumPy transcription, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.networks.parts.residual import Residual
from ganbench.networks.parts.weights import Layer
from ganbench.networks.resnet import ResNet
from ganbench.networks.sngan_resnet import SNGANResNet
from tests.support.transcription import arrays, channels, convolved, inputs, mixed, normalised, relu, transposed

pytestmark = pytest.mark.golden

COLOUR8 = Space((3, 8, 8))
AXES = {"none": None, "batch": (0, 2, 3), "layer": (1, 2, 3)}
every_norm = pytest.mark.parametrize("norm", AXES)


def up(x):
    """Each pixel becomes four."""
    return x.repeat(2, axis=2).repeat(2, axis=3)


def down(x):
    """Means of 2x2 pixels."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))


def shuffled(x):
    """Four consecutive channels become the pixels of a 2x2 square."""
    n, c, h, w = x.shape
    return x.reshape(n, c // 4, 2, 2, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)


class Transcript:
    """Layers in NumPy that take a network's parameters in order."""

    def __init__(self, net, norm):
        self.p, self.axes = arrays(net), AXES[norm]

    def conv(self, x, kernel=3, stride=1, bias=True):
        before = 0 if kernel == 1 or stride == 2 else 1
        out = convolved(x, next(self.p), before, stride)
        return out + channels(next(self.p)) if bias else out

    def norm(self, x):
        return normalised(x, next(self.p), next(self.p), self.axes) if self.axes else x

    def linear(self, x, bias=True):
        out = x @ next(self.p).T
        return out + next(self.p) if bias else out

    def basic(self, x, resample):
        """The parameters of the branch come before those of the shortcut."""
        h = relu(self.norm(x))
        h = self.conv(up(h) if resample == "up" else h)
        h = self.conv(relu(self.norm(h)))
        if resample == "none":
            return x + h
        return self.conv(up(x), 1) + h if resample == "up" else down(self.conv(x, 1)) + down(h)

    def first(self, x):
        h = down(self.conv(relu(self.conv(x))))
        return self.conv(down(x), 1) + h

    def bottleneck(self, x, resample):
        h = relu(self.conv(relu(x), 1))
        if resample == "up":
            h = transposed(h, next(self.p), 0) + channels(next(self.p))
        else:
            h = self.conv(h, stride=2 if resample == "down" else 1)
        h = 0.3 * self.norm(self.conv(relu(h), 1, bias=False))
        if resample == "none":
            return x + h
        return shuffled(self.conv(x, 1)) + h if resample == "up" else self.conv(x, 1, stride=2) + h

    def agree(self, made, expected):
        assert next(self.p, None) is None
        np.testing.assert_allclose(made.detach().numpy(), expected, rtol=1e-8, atol=1e-10)


def pair(make, norm, **options):
    placed = make(batchnorm="both" if norm == "batch" else "none", layer_norm=norm == "layer", **options)
    return mixed(placed.generator(COLOUR8)), mixed(placed.discriminator(COLOUR8))


@every_norm
@pytest.mark.parametrize("pool", ["sum", "mean"])
def test_sngan_resnet_version_1(norm, pool):
    g, d = pair(SNGANResNet, norm, z=6, g_width=3, d_width=2, pool=pool, spectral=False)
    z, t = inputs(5, 6), Transcript(g, "none" if norm == "layer" else norm)
    h = t.linear(z.numpy()).reshape(5, 3, 2, 2)
    h = t.basic(t.basic(h, "up"), "up")
    image = np.tanh(t.conv(relu(t.norm(h))))
    t.agree(g(z), image)

    t = Transcript(d, norm)
    h = t.first(image)
    for resample in ("down", "none", "none"):
        h = t.basic(h, resample)
    h = relu(h).sum((2, 3)) if pool == "sum" else relu(h).mean((2, 3))
    t.agree(d(torch.tensor(image)), t.linear(h, bias=False)[:, 0])
    assert SNGANResNet.version == 1


@every_norm
def test_resnet_version_1(norm):
    g, d = pair(ResNet, norm, z=6, width=1, blocks=2)
    z, t = inputs(5, 6), Transcript(g, "none" if norm == "layer" else norm)
    h = t.linear(z.numpy()).reshape(5, 8, 2, 2)
    for resample in ("none", "none", "up", "none", "none", "up", "none"):
        h = t.bottleneck(h, resample)
    image = np.tanh(t.conv(h, 1) / 5)
    t.agree(g(z), image)

    t = Transcript(d, norm)
    h = t.conv(image, 1)
    for resample in ("none", "down", "none", "none", "down", "none", "none"):
        h = t.bottleneck(h, resample)
    t.agree(d(torch.tensor(image)), t.linear(h.reshape(5, -1))[:, 0] / 5)
    assert ResNet.version == 1


def test_the_resnet_has_101_layers_at_64():
    """Linear layers and convolutions outside of the shortcuts."""
    with torch.device("meta"):
        nets = [ResNet().generator(Space((3, 64, 64))), ResNet().discriminator(Space((3, 64, 64)))]
    for net in nets:
        beside = {id(part) for block in net if isinstance(block, Residual) for part in block.shortcut.modules()}
        weighted = [part for part in net.modules() if isinstance(part, Layer)]
        assert sum(id(part) not in beside for part in weighted) == 101


@pytest.mark.parametrize(
    ("make", "options"), [(SNGANResNet, {"g_width": 32, "d_width": 32}), (ResNet, {"width": 64, "blocks": 2})]
)
def test_weights_are_glorots_and_twice_that_in_the_branches(make, options):
    network = make(**options)
    torch.manual_seed(0)
    for net in (network.generator(COLOUR8), network.discriminator(COLOUR8)):
        branches = {id(p) for m in net.modules() if isinstance(m, Residual) for p in m.branch.parameters()}
        for param in net.parameters():
            if param.dim() == 1:
                assert not param.any()
            elif param.numel() > 2000:
                inputs, outputs = param.shape[1], param.shape[0]
                variance = (4 if id(param) in branches else 2) / ((inputs + outputs) * param[0, 0].numel())
                assert param.var().item() == pytest.approx(variance, rel=0.1)
                assert param.abs().max().item() <= (3 * variance) ** 0.5
