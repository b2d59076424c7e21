"""Convolutions of small maps as products with a matrix in bands (`ganbench.training.bands`)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.training.bands import Band, Bands, to_small

MOST_PIXELS = 64  # of the larger map: the matrix has a weight, often 0, for each pair of columns of the two maps
MOST_WEIGHTS = 2**17  # of a matrix of all pairs of pixels

Layer = nn.Conv2d | nn.ConvTranspose2d
Pair = tuple[int, ...]  # of height and width


@dataclass(frozen=True)
class Wiring:
    """Which pixels a convolution connects: from maps (inputs, *large) to maps (outputs, *small).

    A transposed convolution connects the same pixels in the other direction. As vectors, maps have their channels last.
    """

    inputs: int
    outputs: int
    kernel: Pair
    stride: Pair
    padding: Pair
    large: Pair
    small: Pair

    @classmethod
    def down(cls, layer: nn.Conv2d, large: Pair) -> Wiring:
        """The wiring of a plain convolution of maps of that size."""
        padding = _padding(layer)
        rest = (
            side + 2 * zeros - kernel for side, zeros, kernel in zip(large, padding, layer.kernel_size, strict=True)
        )
        small = tuple(more // stride + 1 for more, stride in zip(rest, layer.stride, strict=True))
        return cls(layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, padding, large, small)

    @classmethod
    def up(cls, layer: nn.ConvTranspose2d, small: Pair) -> Wiring:
        """The wiring of a plain transposed convolution of maps of that size."""
        padding = _padding(layer)
        ends = zip(layer.kernel_size, layer.output_padding, padding, strict=True)
        sides = zip(small, layer.stride, (kernel + more - 2 * zeros for kernel, more, zeros in ends), strict=True)
        large = tuple((side - 1) * stride + more for side, stride, more in sides)
        return cls(layer.out_channels, layer.in_channels, layer.kernel_size, layer.stride, padding, large, small)

    @property
    def suits(self) -> bool:
        """Whether the maps are small enough."""
        pixels = math.prod(self.large)
        weights = pixels * self.inputs * math.prod(self.small) * self.outputs
        return pixels <= MOST_PIXELS and weights <= MOST_WEIGHTS

    @property
    def blocks(self) -> tuple[int, ...]:
        """The matrix's dimensions, one by one: of the rows that a kernel covers, and of one row of the small map."""
        return self.kernel[0], self.large[1], self.inputs, self.small[1], self.outputs

    @cached_property
    def bands(self) -> Bands:
        """The rows of the large map that the kernel covers, for each row of the small map."""
        row = self.large[1] * self.inputs
        reached = (self._reach(0, i) for i in range(self.small[0]))
        bands = (Band(*(row * each for each in (on.start, of.start, on.stop - on.start))) for on, of in reached)
        return Bands(tuple(bands), large=self.large[0] * row, matrix=self.kernel[0] * row)

    def views(self, matrix: Tensor, taps: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """For each column of the small map: its entries in a matrix (..., *blocks), and the taps that they are.

        Taps are (..., *kernel, inputs, outputs).
        """
        for j in range(self.small[1]):
            on, of = self._reach(1, j)
            yield matrix[..., on, :, j, :], taps[..., of, :, :]

    def _reach(self, side: int, pixel: int) -> tuple[slice, slice]:
        """Where the kernel of a row or column lies on the large map, and which part of the kernel lies there."""
        start = pixel * self.stride[side] - self.padding[side]
        first = max(-start, 0)
        end = max(min(self.kernel[side], self.large[side] - start), first)
        return slice(start + first, start + end), slice(first, end)


def _padding(layer: Layer) -> Pair:
    assert not isinstance(layer.padding, str), "a plain layer has its padding in pixels"
    return layer.padding


def matrix_of(weight: Tensor, wiring: Wiring) -> Tensor:
    """Weights (..., outputs, inputs, *kernel) as the matrix of their convolution in bands (..., k, c)."""
    matrix: Tensor = _Spread.apply(weight, wiring)
    return matrix


def whole_matrix_of(weight: Tensor, wiring: Wiring) -> Tensor:
    """The matrix from all numbers of the large maps to all numbers of the small maps (..., p, q)."""
    matrix = matrix_of(weight, wiring)
    every = torch.eye(wiring.bands.large, dtype=matrix.dtype, device=matrix.device)
    return to_small(every.expand(*matrix.shape[:-2], *every.shape), matrix, wiring.bands)


class _Spread(torch.autograd.Function):
    """Weights (..., outputs, inputs, *kernel) -> matrices (..., k, c); its adjoint gives the gradient."""

    @staticmethod
    def forward(weight: Tensor, wiring: Wiring) -> Tensor:
        taps = weight.movedim((-2, -1, -3, -4), (-4, -3, -2, -1)).contiguous()
        matrix = weight.new_zeros(*taps.shape[:-4], *wiring.blocks)
        for block, tap in wiring.views(matrix, taps):
            block.copy_(tap)
        return matrix.flatten(-2).flatten(-4, -2)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Wiring], output: Tensor) -> None:
        _, ctx.wiring = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Collect.apply(gradient, ctx.wiring), None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], weight: Tensor, wiring: Wiring) -> tuple[Tensor, int]:
        return _Spread.apply(weight.movedim(in_dims[0], 0), wiring), 0


class _Collect(torch.autograd.Function):
    """Matrices (..., k, c) -> weights (..., outputs, inputs, *kernel): each the sum of its entries."""

    @staticmethod
    def forward(matrix: Tensor, wiring: Wiring) -> Tensor:
        taps = matrix.new_zeros(*matrix.shape[:-2], *wiring.kernel, wiring.inputs, wiring.outputs)
        for block, tap in wiring.views(matrix.reshape(*matrix.shape[:-2], *wiring.blocks), taps):
            tap.add_(block)
        return taps.movedim((-4, -3, -2, -1), (-2, -1, -3, -4))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Wiring], output: Tensor) -> None:
        _, ctx.wiring = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Spread.apply(gradient, ctx.wiring), None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None], matrix: Tensor, wiring: Wiring) -> tuple[Tensor, int]:
        return _Collect.apply(matrix.movedim(in_dims[0], 0), wiring), 0
