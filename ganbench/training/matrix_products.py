"""Layers in packs as matrix products, one for each run: linear ones, and convolutions of small maps.

There a product is faster than a grouped convolution. Of a linear layer `vmap` would make more operations than needed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

MOST_PIXELS = 64  # of the larger map: the matrix has a weight, often 0, for each pair of pixels of the two maps
MOST_WEIGHTS = 2**17  # of the matrix


Layer = nn.Conv2d | nn.ConvTranspose2d
Pair = tuple[int, ...]  # of height and width


@dataclass(frozen=True)
class Wiring:
    """Which pixels a convolution connects: from maps (inputs, *large) to maps (outputs, *small).

    A transposed convolution connects the same pixels in the other direction.
    """

    inputs: int
    outputs: int
    kernel: Pair
    stride: Pair
    padding: Pair
    large: Pair
    small: Pair

    @classmethod
    def of(cls, layer: Layer, large: Pair, small: Pair) -> Wiring:
        """The wiring of a layer between maps of those sizes."""
        outputs, inputs, *kernel = layer.weight.shape
        return cls(inputs, outputs, tuple(kernel), layer.stride, _padding(layer), large, small)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix: all numbers of the large maps, all numbers of the small maps."""
        return self.inputs * math.prod(self.large), self.outputs * math.prod(self.small)

    @property
    def blocks(self) -> tuple[int, ...]:
        """The matrix's dimensions, one by one: channels last, as in the maps."""
        return *self.large, self.inputs, *self.small, self.outputs

    def views(self, matrix: Tensor, taps: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """For each pixel of the small map: its entries in a matrix (..., *blocks), and the taps that they are.

        Taps are (..., *kernel, inputs, outputs).
        """
        for i, j in itertools.product(*map(range, self.small)):
            sides = zip((i, j), self.stride, self.padding, strict=True)
            starts = (pixel * stride - padding for pixel, stride, padding in sides)
            rows, columns = map(_reach, starts, self.kernel, self.large)
            yield matrix[..., rows[0], columns[0], :, i, j, :], taps[..., rows[1], columns[1], :, :]

    @property
    def suits(self) -> bool:
        """Whether the matrix is small enough."""
        return math.prod(self.large) <= MOST_PIXELS and math.prod(self.shape) <= MOST_WEIGHTS


class Matrices:
    """The matrices of a layer's weight; the newest one is kept, since a loss may apply a network several times."""

    def __init__(self) -> None:
        self._newest: tuple[Tensor, Wiring, Tensor] | None = None

    def of(self, weight: Tensor, wiring: Wiring) -> Tensor:
        """The convolution with a weight (outputs, inputs, *kernel) as a matrix of the shape `wiring.shape`."""
        if self._newest is None or self._newest[0] is not weight or self._newest[1] != wiring:
            self._newest = weight, wiring, _Spread.apply(weight, wiring)
        return self._newest[2]


def by_matrices(module: nn.Module) -> nn.Module:
    """The same module, whose linear layers and plain convolutions of small maps are products with the same weights."""
    for layer in module.modules():
        forward: Callable[..., Tensor]
        if isinstance(layer, nn.Conv2d) and _is_plain(layer):
            forward = partial(_convolved, layer, Matrices())
        elif isinstance(layer, nn.ConvTranspose2d) and _is_plain(layer):
            forward = partial(_transposed, layer, Matrices())
        elif type(layer) is nn.Linear:
            forward = partial(_linear, layer)
        else:
            continue
        vars(layer)["forward"] = forward  # the layer keeps its parameters and their names
    return module


def _is_plain(layer: Layer) -> bool:
    own = type(layer) not in (nn.Conv2d, nn.ConvTranspose2d)  # a subclass may have a forward pass of its own
    plain = layer.groups == 1 and layer.padding_mode == "zeros" and set(layer.dilation) == {1}
    return plain and not own and not isinstance(layer.padding, str)


def _padding(layer: Layer) -> Pair:
    assert not isinstance(layer.padding, str), "a plain layer has its padding in pixels"
    return layer.padding


def _convolved(layer: nn.Conv2d, matrices: Matrices, x: Tensor) -> Tensor:
    large, ends = tuple(x.shape[-2:]), zip(x.shape[-2:], _padding(layer), layer.kernel_size, strict=True)
    rest = (side + 2 * padding - kernel for side, padding, kernel in ends)
    small = tuple(more // stride + 1 for more, stride in zip(rest, layer.stride, strict=True))
    wiring = Wiring.of(layer, large, small)
    if x.dim() != 4 or not wiring.suits:
        return nn.Conv2d.forward(layer, x)
    return _maps(_vectors(x) @ matrices.of(layer.weight, wiring), small, layer.bias)


def _transposed(
    layer: nn.ConvTranspose2d, matrices: Matrices, x: Tensor, output_size: list[int] | None = None
) -> Tensor:
    small, ends = tuple(x.shape[-2:]), zip(layer.kernel_size, layer.output_padding, _padding(layer), strict=True)
    rest = (kernel + more - 2 * padding for kernel, more, padding in ends)
    sides = zip(small, layer.stride, rest, strict=True)
    wiring = Wiring.of(layer, tuple((side - 1) * stride + more for side, stride, more in sides), small)
    if x.dim() != 4 or output_size is not None or not wiring.suits:
        return nn.ConvTranspose2d.forward(layer, x, output_size)
    return _maps(_vectors(x) @ matrices.of(layer.weight, wiring).t(), wiring.large, layer.bias)


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    product = x @ layer.weight.t()
    return product if layer.bias is None else product + layer.bias


def _vectors(maps: Tensor) -> Tensor:
    """(n, c, h, w) -> (n, h * w * c)."""
    return maps.movedim(1, -1).flatten(1)


def _maps(vectors: Tensor, sides: Pair, bias: Tensor | None) -> Tensor:
    """(n, h * w * c) -> (n, c, h, w) in the memory format channels_last, plus a bias for each channel."""
    maps = vectors.view(len(vectors), *sides, -1)
    return (maps if bias is None else maps + bias).movedim(-1, 1)


class _Spread(torch.autograd.Function):
    """Weights (..., outputs, inputs, *kernel) -> the matrices (..., *wiring.shape); its adjoint gives the gradient."""

    @staticmethod
    def forward(weight: Tensor, wiring: Wiring) -> Tensor:
        taps = weight.movedim((-2, -1, -3, -4), (-4, -3, -2, -1)).contiguous()
        matrix = weight.new_zeros(*taps.shape[:-4], *wiring.blocks)
        for block, tap in wiring.views(matrix, taps):
            block.copy_(tap)
        return matrix.flatten(-3).flatten(-4, -2)

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
    """Matrices (..., *wiring.shape) -> weights (..., outputs, inputs, *kernel): each the sum of its entries."""

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


def _reach(start: int, kernel: int, side: int) -> tuple[slice, slice]:
    """Where a kernel that starts at a pixel lies on the map, and which part of the kernel lies there."""
    first = max(-start, 0)
    end = max(min(kernel, side - start), first)
    return slice(start + first, start + end), slice(first, end)
