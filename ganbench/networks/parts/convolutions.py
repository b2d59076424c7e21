"""Strided convolutions: layers that halve and double the side of an image, and the DCGAN family's pair made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from torch import nn

from ganbench.networks.parts.discriminators import Discriminator
from ganbench.networks.parts.layers import Gate, activated, uninitialised
from ganbench.networks.parts.normalisation import Norm, layer_norm
from ganbench.networks.parts.spaces import halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

Activation = Literal["relu", "tanh", "gated"]


@dataclass(frozen=True)
class Kernel:
    """A square kernel of stride 2 and its padding."""

    size: int = 5
    tf_same: bool = False  # if the padding is not symmetric, the larger half is at bottom and right as in TensorFlow

    def padding(self, side: int) -> tuple[int, int]:
        """For an image of that side: the padding at top and left, and how much more there is at bottom and right."""
        if self.tf_same:
            total = self.size - 2 + side % 2
            return total // 2, total % 2
        return (self.size - 1) // 2, 0


def halve(kernel: Kernel, side: int, inputs: int, outputs: int, bias: bool = True) -> list[nn.Module]:
    """A convolution from images of that side to half of it."""
    before, surplus = kernel.padding(side)
    if not surplus:
        return [uninitialised(nn.Conv2d, inputs, outputs, kernel.size, stride=2, padding=before, bias=bias)]
    pad = nn.ZeroPad2d((before, before + surplus, before, before + surplus))
    return [pad, uninitialised(nn.Conv2d, inputs, outputs, kernel.size, stride=2, bias=bias)]


def double(kernel: Kernel, side: int, inputs: int, outputs: int, bias: bool = True) -> list[nn.Module]:
    """A transposed convolution to images of that side from half of it, rounded up if the side is odd (4 -> 7).

    With TensorFlow's padding the surplus of rows and columns is cropped.
    """
    before, surplus = kernel.padding(side)
    more = 0 if kernel.tf_same else (side + kernel.size) % 2
    size = {"stride": 2, "padding": before, "output_padding": more}
    convolution = uninitialised(nn.ConvTranspose2d, inputs, outputs, kernel.size, bias=bias, **size)
    return [convolution, nn.ZeroPad2d((0, -surplus, 0, -surplus))] if surplus else [convolution]


@dataclass(frozen=True)
class Stages:
    """The maps of a pair from the image to the smallest one, and the layers between them, of stride 2."""

    sides: tuple[int, ...]  # (64, 32, 16, 8, 4); all but the last are even
    channels: tuple[int, ...]  # (3, 64, 128, 256, 512)
    kernel: Kernel
    activation: Activation = "relu"  # of every hidden layer; relu is leaky in D
    leak: float = 0.2
    bias: bool = False  # a bias before batch norm too, although it does not change the output
    first_norm: bool = False  # D's first convolution has the norm too

    @property
    def pieces(self) -> int:
        """How many channels of a layer the activation combines into one."""
        return 2 if self.activation == "gated" else 1

    @property
    def features(self) -> int:
        """How many numbers the smallest map has."""
        return self.channels[-1] * self.sides[-1] ** 2


def dcgan_stages(space: Space, width: int, kernel: Kernel) -> Stages:
    """DCGAN's stages: the layer next to the image has `width` channels, each next one twice as many, up to 8 times."""
    sides = halvings(side(space))
    hidden = (width * min(2**stage, 8) for stage in range(len(sides) - 1))
    return Stages(sides=sides, channels=(space.shape[0], *hidden), kernel=kernel)


def generator(stages: Stages, z: int, norm: Norm | None) -> nn.Module:
    """(n, z) -> linear -> the smallest map -> transposed convolutions -> (n, channels, side, side) in [-1, 1].

    Every layer but the last has the norm of its channels, then the activation; the last has tanh.
    """
    image, *hidden = stages.channels
    side, top, bias = stages.sides[-1], hidden[-1] * stages.pieces, _bias(stages, norm)
    stack: list[nn.Module] = [uninitialised(nn.Linear, z, top * side * side), nn.Unflatten(1, (top, side, side))]
    stack += _activated(stages, nn.ReLU(), top, norm)
    for (inputs, outputs), side in zip(pairwise(reversed(hidden)), reversed(stages.sides[1:-1]), strict=True):
        stack += double(stages.kernel, side, inputs, outputs * stages.pieces, bias)
        stack += _activated(stages, nn.ReLU(), outputs * stages.pieces, norm)
    return nn.Sequential(*stack, *double(stages.kernel, stages.sides[0], hidden[0], image), nn.Tanh())


def linear(features: int) -> nn.Module:
    """The plain last layer of D: (n, features) -> (n, 1)."""
    return uninitialised(nn.Linear, features, 1)


def discriminator(stages: Stages, norm: Norm | None, score: Callable[[int], nn.Module] = linear) -> nn.Module:
    """(n, channels, side, side) -> convolutions -> `score`, a layer for that many features -> (n,).

    Every convolution, the first only with `first_norm`, has the norm of its channels; all have the activation.
    """
    stack: list[nn.Module] = []
    for stage, (inputs, outputs) in enumerate(pairwise(stages.channels)):
        own, channels = norm if stage or stages.first_norm else None, outputs * stages.pieces
        stack += halve(stages.kernel, stages.sides[stage], inputs, channels, _bias(stages, own))
        stack += _activated(stages, nn.LeakyReLU(stages.leak), channels, own)
    return Discriminator(*stack, nn.Flatten(), score(stages.features), nn.Flatten(0))


def _bias(stages: Stages, norm: Norm | None) -> bool:
    return stages.bias or norm in (None, layer_norm)


def _activated(stages: Stages, relu: nn.Module, channels: int, norm: Norm | None) -> list[nn.Module]:
    """What follows a layer with that many channels."""
    return activated({"relu": relu, "tanh": nn.Tanh(), "gated": Gate()}[stages.activation], channels, norm)
