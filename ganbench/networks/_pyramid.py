"""The convolutional pair of the DCGAN family: D halves the side of the image stage by stage, G doubles it back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from ganbench.networks._layers import BatchNorm, blank


@dataclass(frozen=True)
class Pyramid:
    """The stages from the image to the smallest map, and how to go from one to the next (strides are 2)."""

    sides: tuple[int, ...]  # (64, 32, 16, 8, 4); all but the last are even
    channels: tuple[int, ...]  # (3, 64, 128, 256, 512)
    kernel: int = 5
    leak: float = 0.2
    tf_same: bool = False  # where an odd kernel's padding is not symmetric, TensorFlow's surplus is at bottom and right
    bias: bool = False  # a bias before batch norm too, which has no effect on the output


def halvings(side: int) -> tuple[int, ...]:
    """`side` halved at least twice and until it is 7 or less (28, 14, 7); empty where an odd side stands in the way."""
    sides = [side]
    while len(sides) < 3 or sides[-1] > 7:
        sides.append(sides[-1] // 2)
    return tuple(sides) if side >= 8 and all(s % 2 == 0 for s in sides[:-1]) else ()


def generator(pyramid: Pyramid, z: int, norm: bool) -> nn.Module:
    """(n, z) -> linear -> the smallest map -> transposed convolutions -> (n, channels, side, side) in [-1, 1].

    Every layer but the last has a ReLU, after batch norm per channel where `norm`; the last has tanh.
    """
    side = pyramid.sides[-1]
    image, *hidden = pyramid.channels
    top = hidden[-1]
    stack = [blank(nn.Linear, z, top * side * side), nn.Unflatten(1, (top, side, side)), *_norm(top, norm), nn.ReLU()]
    for inputs, outputs in pairwise(reversed(hidden)):
        stack += [*_up(pyramid, inputs, outputs, pyramid.bias or not norm), *_norm(outputs, norm), nn.ReLU()]
    return nn.Sequential(*stack, *_up(pyramid, hidden[0], image, True), nn.Tanh())


def discriminator(pyramid: Pyramid, norm: bool) -> nn.Module:
    """(n, channels, side, side) -> convolutions with leaky ReLU -> linear -> (n,).

    Every convolution but the first has batch norm where `norm`.
    """
    side = pyramid.sides[-1]
    image, first, *_ = pyramid.channels
    stack = [*_down(pyramid, image, first, True), nn.LeakyReLU(pyramid.leak)]
    for inputs, outputs in pairwise(pyramid.channels[1:]):
        convolution = _down(pyramid, inputs, outputs, pyramid.bias or not norm)
        stack += [*convolution, *_norm(outputs, norm), nn.LeakyReLU(pyramid.leak)]
    score = blank(nn.Linear, pyramid.channels[-1] * side * side, 1)
    return nn.Sequential(*stack, nn.Flatten(), score, nn.Flatten(0))


def _norm(channels: int, norm: bool) -> list[nn.Module]:
    return [BatchNorm(channels)] if norm else []


def _down(pyramid: Pyramid, inputs: int, outputs: int, bias: bool) -> list[nn.Module]:
    """A convolution that halves the side."""
    before, surplus = _padding(pyramid)
    if not surplus:
        return [blank(nn.Conv2d, inputs, outputs, pyramid.kernel, stride=2, padding=before, bias=bias)]
    pad = nn.ZeroPad2d((before, before + surplus, before, before + surplus))
    return [pad, blank(nn.Conv2d, inputs, outputs, pyramid.kernel, stride=2, bias=bias)]


def _up(pyramid: Pyramid, inputs: int, outputs: int, bias: bool) -> list[nn.Module]:
    """A transposed convolution that doubles the side; with TensorFlow's padding the last row and column are cropped."""
    before, surplus = _padding(pyramid)
    size = {"stride": 2, "padding": before, "output_padding": 0 if pyramid.tf_same else pyramid.kernel % 2}
    convolution = blank(nn.ConvTranspose2d, inputs, outputs, pyramid.kernel, bias=bias, **size)
    return [convolution, nn.ZeroPad2d((0, -surplus, 0, -surplus))] if surplus else [convolution]


def _padding(pyramid: Pyramid) -> tuple[int, int]:
    """The padding at top and left, and how much more there is at bottom and right."""
    if pyramid.tf_same:
        return (pyramid.kernel - 2) // 2, pyramid.kernel % 2
    return (pyramid.kernel - 1) // 2, 0
