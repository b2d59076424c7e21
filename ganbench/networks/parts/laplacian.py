"""Laplacian pyramids of images, and networks with a generator and a discriminator at each level.

A pyramid is an image and its halvings, from fine to coarse. Between the two networks it passes as one tensor
(n, numbers): its images, flattened and concatenated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.parts.layers import activated, hidden, uninitialised
from ganbench.networks.parts.normalisation import Norm
from ganbench.networks.parts.spaces import side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

PYRAMID = frozenset({"pyramid", "levels"})  # the methods of D, as a network's `parts`


def sides(space: Space, coarsest: int) -> tuple[int, ...]:
    """The sides of a pyramid, halved at least once and to `coarsest` or less; empty if an odd side can't be halved."""
    levels = [side(space)]
    while len(levels) < 2 or levels[-1] > coarsest:
        levels.append(levels[-1] // 2)
    return tuple(levels) if levels[-1] and all(s % 2 == 0 for s in levels[:-1]) else ()


def halved(x: Tensor) -> Tensor:
    """(n, c, 2s, 2s) -> (n, c, s, s): the mean of each square of 2x2 pixels."""
    return F.avg_pool2d(x, 2)


def doubled(x: Tensor) -> Tensor:
    """(n, c, s, s) -> (n, c, 2s, 2s), bilinear: along each axis 3/4 of the nearest pixel and 1/4 of the next."""
    for axis in (2, 3):
        last = x.shape[axis] - 1
        before = torch.cat([x.narrow(axis, 0, 1), x.narrow(axis, 0, last)], axis)
        after = torch.cat([x.narrow(axis, 1, last), x.narrow(axis, last, 1)], axis)
        x = torch.stack([0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after], axis + 1).flatten(axis, axis + 1)
    return x


def pyramid(x: Tensor, levels: int) -> list[Tensor]:
    """An image and its halvings."""
    images = [x]
    for _ in range(levels - 1):
        images.append(halved(images[-1]))
    return images


def flat(images: Sequence[Tensor]) -> Tensor:
    """Images (n, c, s, s) of several sides, flattened and concatenated (n, numbers)."""
    return torch.cat([image.flatten(1) for image in images], 1)


def detail_generator(channels: int, width: int, norm: Norm | None) -> nn.Module:
    """An image and a plane of latents, (n, channels + 1, s, s) -> a detail (n, channels, s, s)."""
    stack: list[nn.Module] = []
    for inputs in (channels + 1, width):
        stack.append(uninitialised(nn.Conv2d, inputs, width, 7, padding=3, bias=norm is None))
        stack += activated(nn.ReLU(), width, norm)
    return nn.Sequential(*stack, uninitialised(nn.Conv2d, width, channels, 5, padding=2))


def base_generator(z: int, units: int, shape: tuple[int, int, int], norm: Norm | None) -> nn.Module:
    """Latents (n, z) -> ReLU units -> sigmoid units -> images (n, *shape), not bounded."""
    first = hidden((z, units), nn.ReLU, norm=norm is not None)
    second = hidden((units, units), nn.Sigmoid, norm=norm is not None)
    return nn.Sequential(*first, *second, uninitialised(nn.Linear, units, math.prod(shape)), nn.Unflatten(1, shape))


def judging_convolutions(channels: int, width: int, padding: int, norm: Norm | None) -> list[nn.Module]:
    """Images (n, channels, s, s) -> kernels 5x5, and 5x5 of stride 2 -> (n, width * last_side(s, padding)^2)."""
    first = uninitialised(nn.Conv2d, channels, width, 5, padding=padding)
    second = uninitialised(nn.Conv2d, width, width, 5, stride=2, padding=padding, bias=norm is None)
    return [first, nn.ReLU(), second, *activated(nn.ReLU(), width, norm), nn.Flatten()]


def last_side(side: int, padding: int) -> int:
    """The side of the map after `judging_convolutions`; less than 1 if the kernels do not fit."""
    return (side + 4 * padding - 9) // 2 + 1


class PyramidGenerator(nn.Module):
    """`base` makes the coarsest image from z latents; each of `finer` adds the detail of a level to the coarser image.

    A detail is made from a plane of latents and the doubled coarser image, as channels. The latents are (n, z +
    pixels of all planes), the coarsest first.
    """

    def __init__(self, z: int, base: nn.Module, finer: Sequence[nn.Module], sides: Sequence[int]) -> None:
        super().__init__()
        self.base = base
        self.finer = nn.ModuleList(finer)  # from fine to coarse, like `sides`
        self.sides = tuple(sides[:-1])
        self.shares = [z, *(s * s for s in reversed(self.sides))]

    def forward(self, z: Tensor) -> Tensor:
        """Latents -> images (n, c, s, s), made from coarse to fine and clamped to [-1, 1]."""
        first, *planes = torch.split(z, self.shares, 1)
        image: Tensor = self.base(first)
        for level, plane in zip(reversed(range(len(self.sides))), planes, strict=True):
            image = self._refined(level, plane, image)
        return image.clamp(-1, 1)

    def pyramid(self, z: Tensor, x: Tensor) -> Tensor:
        """Latents and images x -> pyramids, each image of which is made from the next coarser one of x."""
        first, *planes = torch.split(z, self.shares, 1)
        coarser = pyramid(x, len(self.sides) + 1)[1:]
        made = [self._refined(i, planes[-1 - i], image) for i, image in enumerate(coarser)]
        return flat([*made, self.base(first)])

    def _refined(self, level: int, plane: Tensor, coarse: Tensor) -> Tensor:
        low = doubled(coarse)
        plane = plane.reshape(len(low), 1, *low.shape[2:])
        image: Tensor = low + self.finer[level](torch.cat([low, plane], 1))
        return image


class PyramidDiscriminator(nn.Module):
    """A network (n, c, s, s) -> (n,) for each side. Its score, for objectives that use no levels, is their mean."""

    def __init__(self, judges: Sequence[nn.Module], channels: int, sides: Sequence[int]) -> None:
        super().__init__()
        self.judges = nn.ModuleList(judges)
        self.shapes = [(channels, s, s) for s in sides]

    def pyramid(self, x: Tensor) -> Tensor:
        """Images -> their pyramids."""
        return flat(pyramid(x, len(self.shapes)))

    def levels(self, x: Tensor) -> Tensor:
        """Pyramids -> the score of each level, (n, levels)."""
        parts = torch.split(x, [math.prod(shape) for shape in self.shapes], 1)
        images = [part.reshape(len(x), *shape) for part, shape in zip(parts, self.shapes, strict=True)]
        return torch.stack([judge(image) for judge, image in zip(self.judges, images, strict=True)], 1)

    def forward(self, x: Tensor) -> Tensor:
        score: Tensor = self.levels(self.pyramid(x)).mean(1)
        return score
