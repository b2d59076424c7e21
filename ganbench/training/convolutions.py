"""Convolutions in packs: on small maps, one matrix product for each run is faster than a grouped convolution."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
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
            entries: Tensor = _Sums.apply(weight.flatten(), *_terms(wiring, weight.device))
            self._newest = weight, wiring, entries.view(wiring.shape)
        return self._newest[2]


def by_matrices(module: nn.Module) -> nn.Module:
    """The same module, whose plain convolutions of small maps are matrix products with the same weights."""
    for layer in module.modules():
        forward: Callable[..., Tensor]
        if isinstance(layer, nn.Conv2d) and _is_plain(layer):
            forward = partial(_convolved, layer, Matrices())
        elif isinstance(layer, nn.ConvTranspose2d) and _is_plain(layer):
            forward = partial(_transposed, layer, Matrices())
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
    product = x.flatten(1) @ matrices.of(layer.weight, wiring)
    return _with_bias(product.view(len(x), layer.out_channels, *small), layer.bias)


def _transposed(
    layer: nn.ConvTranspose2d, matrices: Matrices, x: Tensor, output_size: list[int] | None = None
) -> Tensor:
    small, ends = tuple(x.shape[-2:]), zip(layer.kernel_size, layer.output_padding, _padding(layer), strict=True)
    rest = (kernel + more - 2 * padding for kernel, more, padding in ends)
    sides = zip(small, layer.stride, rest, strict=True)
    wiring = Wiring.of(layer, tuple((side - 1) * stride + more for side, stride, more in sides), small)
    if x.dim() != 4 or output_size is not None or not wiring.suits:
        return nn.ConvTranspose2d.forward(layer, x, output_size)
    product = x.flatten(1) @ matrices.of(layer.weight, wiring).t()
    return _with_bias(product.view(len(x), layer.out_channels, *wiring.large), layer.bias)


def _with_bias(maps: Tensor, bias: Tensor | None) -> Tensor:
    return maps if bias is None else maps + bias[:, None, None]


@dataclass(frozen=True)
class _Terms:
    """Which inputs each output sums up."""

    index: Tensor  # (terms * outputs,)
    used: Tensor  # (terms, outputs), whether there is such an input; the index is 0 where there is none

    @classmethod
    def of(cls, index: Tensor, device: torch.device) -> _Terms:
        """From an index (terms, outputs) that is -1 where there is no such input."""
        return cls(index.clamp(min=0).flatten().to(device), (index >= 0).to(device))


class _Sums(torch.autograd.Function):
    """(..., inputs) -> (..., outputs): sums of inputs. `back` is the transposed map, which gives the gradient.

    Derivatives of every order are gathered, several times faster than torch scatters them.
    """

    @staticmethod
    def forward(x: Tensor, terms: _Terms, back: _Terms) -> Tensor:
        gathered = x.index_select(-1, terms.index).view(*x.shape[:-1], *terms.used.shape).mul_(terms.used)
        return gathered.sum(-2) if len(terms.used) > 1 else gathered.squeeze(-2)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, _Terms, _Terms], output: Tensor) -> None:
        _, ctx.terms, ctx.back = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Sums.apply(gradient, ctx.back, ctx.terms), None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None, None], x: Tensor, terms: _Terms, back: _Terms) -> tuple[Tensor, int]:
        return _Sums.apply(x.movedim(in_dims[0], 0), terms, back), 0


@lru_cache(maxsize=64)
def _terms(wiring: Wiring, device: torch.device) -> tuple[_Terms, _Terms]:
    """The weight of each entry of the matrix, and the entries of each weight."""
    taps = _taps(wiring)
    weights = wiring.inputs * wiring.outputs * math.prod(wiring.kernel)
    order = taps.argsort(stable=True)[int((taps < 0).sum()) :]
    counts = taps[order].bincount(minlength=weights)
    place = torch.arange(len(order)) - (counts.cumsum(0) - counts)[taps[order]]  # among the entries of its weight
    entries = torch.full((int(counts.max()), weights), -1)
    entries[place, taps[order]] = order
    return _Terms.of(taps[None], device), _Terms.of(entries, device)


def _taps(wiring: Wiring) -> Tensor:
    """For each entry of the matrix, in its order: the index of its weight, or -1 for none."""
    rows, columns = (_tap(wiring, axis) for axis in (0, 1))  # (large, small) each
    kernel = wiring.kernel[0] * wiring.kernel[1]
    tap = rows[:, None, :, None] * wiring.kernel[1] + columns[None, :, None, :]
    connected = ((rows >= 0)[:, None, :, None] & (columns >= 0)[None, :, None, :]).flatten(2).flatten(0, 1)
    pair = torch.arange(wiring.outputs) * wiring.inputs + torch.arange(wiring.inputs)[:, None]  # (inputs, outputs)
    index = pair[:, None, :, None] * kernel + tap.flatten(2).flatten(0, 1)[:, None, :]
    return index.where(connected[:, None, :], -1).flatten()


def _tap(wiring: Wiring, axis: int) -> Tensor:
    """(large, small): the position in the kernel that connects two pixels along an axis, or -1."""
    start = torch.arange(wiring.small[axis]) * wiring.stride[axis] - wiring.padding[axis]
    tap = torch.arange(wiring.large[axis])[:, None] - start
    return tap.where((tap >= 0) & (tap < wiring.kernel[axis]), -1)
