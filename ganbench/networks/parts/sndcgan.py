"""What the pairs of chainer-gan-lib share: the generator, and the channels and kernels of the maps."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from torch import nn

from ganbench.networks.parts.convolutions import Kernel, double, halve
from ganbench.networks.parts.layers import activated, hidden, uninitialised
from ganbench.networks.parts.normalisation import BatchNorm
from ganbench.networks.parts.spaces import halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

Widen = Literal["halving", "next"]

KERNEL = Kernel(4)


def widths(sides: tuple[int, ...], width: int) -> list[int]:
    """The channels of the maps of these sides, the image's own side first: each halving doubles them."""
    return [width * 2**stage for stage in range(len(sides))]


def generator(space: Space, z: int, width: int, *, norm: bool) -> nn.Module:
    """(n, z) -> (n, *space.shape) in [-1, 1], with ReLU; batch norm of the linear layer is per unit."""
    sides = halvings(side(space))
    channels, made = widths(sides, width)[::-1], BatchNorm if norm else None
    shape = (channels[0], sides[-1], sides[-1])
    stack = [*hidden((z, channels[0] * sides[-1] ** 2), nn.ReLU, norm=norm), nn.Unflatten(1, shape)]
    for size, (inputs, outputs) in zip(sides[-2::-1], pairwise(channels), strict=True):
        stack += double(KERNEL, size, inputs, outputs, not norm)
        stack += activated(nn.ReLU(), outputs, made)
    last = uninitialised(nn.ConvTranspose2d, width, space.shape[0], 3, padding=1)
    return nn.Sequential(*stack, last, nn.Tanh())


def convolutions(
    space: Space, width: int, *, norm: bool, slope: float = 0.2, widen: Widen = "halving"
) -> list[nn.Module]:
    """Images -> the smallest map, with leaky ReLU; batch norm, without gains, after all but the first and the last.

    `widen`: which convolution of each stage doubles the channels, the one that halves the side or the `next` one.
    """
    sides = halvings(side(space))
    channels, made = widths(sides, width), partial(BatchNorm, gain=False) if norm else None
    stack: list[nn.Module] = [uninitialised(nn.Conv2d, space.shape[0], width, 3, padding=1), nn.LeakyReLU(slope)]
    for size, (inputs, outputs) in zip(sides, pairwise(channels), strict=False):
        own, halved = None if outputs == channels[-1] else made, inputs if widen == "next" else outputs
        stack += halve(KERNEL, size, inputs, halved, not norm)
        stack += activated(nn.LeakyReLU(slope), halved, made)
        stack.append(uninitialised(nn.Conv2d, halved, outputs, 3, padding=1, bias=own is None))
        stack += activated(nn.LeakyReLU(slope), outputs, own)
    return stack
