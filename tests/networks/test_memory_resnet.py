"""MemoryGAN's residual pair: parameters by hand, and forward passes in NumPy, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ganbench.datasets.base import Space
from ganbench.networks.memory_resnet import MemoryResNet
from tests.networks.test_residual import Transcript, down, up
from tests.support.transcription import convolved, inputs, mixed, normalised, size

pytestmark = pytest.mark.golden

CIFAR, COLOUR8 = Space((3, 32, 32)), Space((3, 8, 8))
LAYER = (1, 2, 3)


def conv(kernel: int, inputs: int, outputs: int) -> int:
    return kernel * kernel * inputs * outputs + outputs


def test_the_parameters_of_the_authors_setting_by_hand() -> None:
    """A convolution before batch norm has no bias, and batch norm has offsets alone: as many numbers."""
    keeps = 2 * conv(3, 128, 128) + 2 * 128
    resamples = keeps + conv(1, 128, 128)
    g = 528 * 2048 + 2 * 2048 + 3 * resamples + conv(3, 128, 3)
    first = conv(3, 3, 128) + conv(3, 128, 128) + conv(1, 3, 128) + 2 * 128
    d = first + resamples + 2 * keeps + conv(4, 128, 512)
    with torch.device("meta"):
        network = MemoryResNet(batchnorm="both")
        pair = network.generator(CIFAR), network.discriminator(CIFAR)
    assert tuple(map(size, pair)) == (g, d) == (2_024_707, 2_103_808)


class Blocks(Transcript):
    """Blocks whose norm comes after the sum; batch norm has offsets alone."""

    def block(self, x: Any, resample: str, *, batch: bool) -> Any:
        h = self.conv(up(x) if resample == "up" else x, bias=not batch)
        if batch:
            offset = next(self.p)
            h = normalised(h, np.ones_like(offset), offset, (0, 2, 3))
        h = self.conv(elu(h))
        if resample == "down":
            total = down(h) + down(self.conv(x, 1))
        else:
            total = h + (x if resample == "none" else self.conv(up(x), 1))
        return elu(normalised(total, next(self.p), next(self.p), LAYER))


def elu(x: Any) -> Any:
    return np.where(x > 0, x, np.expm1(x))


@pytest.mark.parametrize("batch", [True, False])
def test_forward_by_hand(batch: bool) -> None:
    assert MemoryResNet.version == 1, "its numbers changed: derive them anew"
    network = MemoryResNet(z=6, key=5, width=2, batchnorm="both" if batch else "none")
    g, d = mixed(network.generator(COLOUR8)), mixed(network.discriminator(COLOUR8))
    z, t = inputs(4, 6), Blocks(g, "none")
    h = elu(normalised(t.linear(z.numpy(), bias=False), next(t.p), next(t.p), (1,))).reshape(4, 2, 2, 2)
    for _ in range(2):
        h = t.block(h, "up", batch=batch)
    t.agree(g(z), np.tanh(t.conv(h)))

    x, t = inputs(4, 3, 8, 8), Blocks(d, "none")
    h = t.block(x.numpy(), "down", batch=False)
    for resample in ("down", "none", "none"):
        h = t.block(h, resample, batch=batch)
    maps = convolved(h, next(t.p), 1) + next(t.p)[:, None, None]
    t.agree(d.query(x), maps.mean((2, 3)))


def test_initial_weights_are_those_of_a_truncated_normal() -> None:
    torch.manual_seed(0)
    net = MemoryResNet(width=32, batchnorm="both").discriminator(COLOUR8)
    weights = torch.cat([p.flatten() for p in net.parameters() if p.dim() > 1])
    assert weights.abs().max() <= 0.04 and weights.std().item() == pytest.approx(0.02 * 0.88, rel=0.01)
