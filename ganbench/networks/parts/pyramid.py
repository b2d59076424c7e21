"""The convolutional pair of the DCGAN family: D halves the side of the image stage by stage, G doubles it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from torch import nn

from ganbench.networks.parts.convolutions import Kernel, double, halve
from ganbench.networks.parts.layers import Discriminator, Gate, Norm, activated, blank, layer_norm

Activation = Literal["relu", "tanh", "gated"]


@dataclass(frozen=True)
class Pyramid:
    """The stages from the image to the smallest map, and how to go from one to the next (strides are 2)."""

    sides: tuple[int, ...]  # (64, 32, 16, 8, 4); all but the last are even
    channels: tuple[int, ...]  # (3, 64, 128, 256, 512)
    kernel: Kernel
    activation: Activation = "relu"  # of every hidden layer; relu is leaky in D
    leak: float = 0.2
    bias: bool = False  # a bias before batch norm too, which has no effect on the output

    @property
    def pieces(self) -> int:
        """How many channels of a layer make one after its activation."""
        return 2 if self.activation == "gated" else 1


def generator(pyramid: Pyramid, z: int, norm: Norm | None) -> nn.Module:
    """(n, z) -> linear -> the smallest map -> transposed convolutions -> (n, channels, side, side) in [-1, 1].

    Every layer but the last has the activation, after the norm of its channels; the last has tanh.
    """
    image, *hidden = pyramid.channels
    side, top, bias = pyramid.sides[-1], hidden[-1] * pyramid.pieces, _bias(pyramid, norm)
    stack: list[nn.Module] = [blank(nn.Linear, z, top * side * side), nn.Unflatten(1, (top, side, side))]
    stack += _activated(pyramid, nn.ReLU(), top, norm)
    for (inputs, outputs), side in zip(pairwise(reversed(hidden)), reversed(pyramid.sides[1:-1]), strict=True):
        stack += double(pyramid.kernel, side, inputs, outputs * pyramid.pieces, bias)
        stack += _activated(pyramid, nn.ReLU(), outputs * pyramid.pieces, norm)
    return nn.Sequential(*stack, *double(pyramid.kernel, pyramid.sides[0], hidden[0], image), nn.Tanh())


def linear(features: int) -> nn.Module:
    """The plain last layer of D: (n, features) -> (n, 1)."""
    return blank(nn.Linear, features, 1)


def discriminator(pyramid: Pyramid, norm: Norm | None, score: Callable[[int], nn.Module] = linear) -> nn.Module:
    """(n, channels, side, side) -> convolutions with the activation -> `score` of so many features -> (n,).

    Every convolution but the first has the norm of its channels.
    """
    stack: list[nn.Module] = []
    for stage, (inputs, outputs) in enumerate(pairwise(pyramid.channels)):
        own, channels = norm if stage else None, outputs * pyramid.pieces
        stack += halve(pyramid.kernel, pyramid.sides[stage], inputs, channels, _bias(pyramid, own))
        stack += _activated(pyramid, nn.LeakyReLU(pyramid.leak), channels, own)
    flat = pyramid.channels[-1] * pyramid.sides[-1] ** 2
    return Discriminator(*stack, nn.Flatten(), score(flat), nn.Flatten(0))


def _bias(pyramid: Pyramid, norm: Norm | None) -> bool:
    return pyramid.bias or norm in (None, layer_norm)


def _activated(pyramid: Pyramid, relu: nn.Module, channels: int, norm: Norm | None) -> list[nn.Module]:
    """What follows a layer of so many channels."""
    return activated({"relu": relu, "tanh": nn.Tanh(), "gated": Gate()}[pyramid.activation], channels, norm)
