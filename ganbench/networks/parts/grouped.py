"""The blocks of R3GAN: residual bottlenecks of grouped convolutions without normalisation, and smoothed resampling.

Huang et al. 2024, arXiv:2501.05441, section 4 and the authors' code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.parts.layers import uninitialised
from ganbench.networks.parts.residual import Residual

SLOPE = 0.2  # of leaky ReLU below 0
GAIN = math.sqrt(2 / (1 + SLOPE**2))  # of weights before it
LAYERS = 3  # of a bottleneck
BASE = 4  # the side of the smallest map


@dataclass(frozen=True)
class Bottlenecks:
    """The residual blocks of a network: as many a stage, `total` in all, which scales their initial weights."""

    channels: int
    expansion: int
    groups: int
    each: int
    total: int

    def stage(self) -> list[nn.Module]:
        """The blocks of one stage, with initial weights; the last layer of each starts at 0."""
        return [self._block() for _ in range(self.each)]

    def _block(self) -> nn.Module:
        wide, gain = self.channels * self.expansion, GAIN * self.total ** (-1 / (2 * LAYERS - 2))
        grouped = uninitialised(nn.Conv2d, wide, wide, 3, padding=1, groups=self.groups, bias=False)
        return Residual(
            [
                filled(pixelwise(self.channels, wide), gain),
                BiasedLeakyReLU(wide),
                filled(grouped, gain),
                BiasedLeakyReLU(wide),
                filled(pixelwise(wide, self.channels), 0.0),
            ],
            [],
        )


class BiasedLeakyReLU(nn.Module):
    """Leaky ReLU of x plus an offset of each channel, which starts at 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x + self.bias[:, None, None], SLOPE)


class Basis(nn.Module):
    """(n, c) -> (n, c, 4, 4): each number times a learned map of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.maps = nn.Parameter(torch.randn(channels, BASE, BASE))

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, None, None] * self.maps


class Resample(nn.Module):
    """Doubles or halves the side with the filter (1, 3, 3, 1) along rows and columns; beyond the edge is 0.

    The authors' filter (1, 2, 1), after nearest neighbours or before means of 2x2 pixels, is the same.
    """

    def __init__(self, *, up: bool) -> None:
        super().__init__()
        self.up = up

    def forward(self, x: Tensor) -> Tensor:
        channels, taps = x.shape[1], x.new_tensor([1.0, 3.0, 3.0, 1.0]) / (4 if self.up else 8)
        kernel = (taps[:, None] * taps).expand(channels, 1, 4, 4)
        convolve = F.conv_transpose2d if self.up else F.conv2d
        return convolve(x, kernel, stride=2, padding=1, groups=channels)


def pixelwise(inputs: int, outputs: int) -> nn.Module:
    """A convolution of kernel 1 without bias."""
    return uninitialised(nn.Conv2d, inputs, outputs, 1, bias=False)


def filled(layer: nn.Module, gain: float = 1.0) -> nn.Module:
    """The layer with weights N(0, gain^2 / inputs), where a grouped convolution has the inputs of one group."""
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    return layer
