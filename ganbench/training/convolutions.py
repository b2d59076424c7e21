"""Convolutions in packs: on small maps, one matrix product for each run is faster than a grouped convolution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOST_PIXELS = 64  # of the larger map: the matrix has a weight, often 0, for each pair of pixels of the two maps
MOST_WEIGHTS = 2**17  # of the matrix


@dataclass(frozen=True)
class Wiring:
    """Which pixels a convolution connects: from maps (inputs, *large) to maps (outputs, *small).

    A transposed convolution connects the same pixels in the other direction.
    """

    inputs: int
    outputs: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    large: tuple[int, int]  # height and width
    small: tuple[int, int]

    @property
    def suits(self) -> bool:
        """Whether the matrix is small enough."""
        pixels = self.large[0] * self.large[1]
        weights = self.inputs * pixels * self.outputs * self.small[0] * self.small[1]
        return pixels <= MOST_PIXELS and weights <= MOST_WEIGHTS

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix: all numbers of the large maps, all numbers of the small maps."""
        large, small = self.large[0] * self.large[1], self.small[0] * self.small[1]
        return self.inputs * large, self.outputs * small


def by_matrices(module: nn.Module) -> nn.Module:
    """The same module, whose plain convolutions of small maps are matrix products with the same weights."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and _plain(layer):
            forward = _convolved if isinstance(layer, nn.Conv2d) else _transposed
            setattr(layer, "forward", partial(forward, layer))  # the layer keeps its parameters and their names
    return module


def matrix(weight: Tensor, wiring: Wiring) -> Tensor:
    """The convolution with a weight (outputs, inputs, *kernel) as a matrix of the shape `wiring.shape`."""
    entries: Tensor = _SumOfEntries.apply(weight.flatten(), *_indices(wiring, weight.device))
    return entries.view(wiring.shape)


class _SumOfEntries(torch.autograd.Function):
    """(..., n) -> (..., m): output j is the sum of the inputs `index[:, j]`, of which the index n stands for 0.

    `back` is the index of the transposed map, which gives the gradient; so derivatives of every order are gathered,
    several times faster than torch scatters them.
    """

    @staticmethod
    def forward(x: Tensor, index: Tensor, back: Tensor) -> Tensor:
        entries = F.pad(x, (0, 1)).index_select(-1, index.flatten())
        return entries if len(index) == 1 else entries.unflatten(-1, index.shape).sum(-2)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
        _, ctx.index, ctx.back = inputs

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _SumOfEntries.apply(gradient, ctx.back, ctx.index), None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, None, None], x: Tensor, index: Tensor, back: Tensor) -> tuple[Tensor, int]:
        return _SumOfEntries.apply(x.movedim(in_dims[0], 0), index, back), 0


@lru_cache(maxsize=64)
def _indices(wiring: Wiring, device: torch.device) -> tuple[Tensor, Tensor]:
    """The weight of each entry of the matrix, (1, entries), and the entries of each weight, (uses, weights)."""
    taps = _taps(wiring)
    weights = wiring.inputs * wiring.outputs * math.prod(wiring.kernel)
    order = taps.argsort(stable=True)[: int((taps < weights).sum())]
    counts = taps[order].bincount(minlength=weights)
    place = torch.arange(len(order)) - (counts.cumsum(0) - counts)[taps[order]]  # among the entries of its weight
    entries = torch.full((int(counts.max()), weights), len(taps))
    entries[place, taps[order]] = order
    return taps[None].to(device), entries.to(device)


def _taps(wiring: Wiring) -> Tensor:
    """For each entry of the matrix, in its order: the index of its weight, or the number of weights for none."""
    rows, columns = (_tap(wiring, axis) for axis in (0, 1))  # (large, small) each
    kernel = wiring.kernel[0] * wiring.kernel[1]
    tap = rows[:, None, :, None] * wiring.kernel[1] + columns[None, :, None, :]
    connected = ((rows >= 0)[:, None, :, None] & (columns >= 0)[None, :, None, :]).flatten(2).flatten(0, 1)
    pair = torch.arange(wiring.outputs) * wiring.inputs + torch.arange(wiring.inputs)[:, None]  # (inputs, outputs)
    index = pair[:, None, :, None] * kernel + tap.flatten(2).flatten(0, 1)[:, None, :]
    none = wiring.inputs * wiring.outputs * kernel
    return index.where(connected[:, None, :], none).flatten()


def _tap(wiring: Wiring, axis: int) -> Tensor:
    """(large, small): the position in the kernel that connects two pixels along an axis, or -1."""
    start = torch.arange(wiring.small[axis]) * wiring.stride[axis] - wiring.padding[axis]
    tap = torch.arange(wiring.large[axis])[:, None] - start
    return tap.where((tap >= 0) & (tap < wiring.kernel[axis]), -1)


def _plain(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    plain = layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros"
    return plain and not isinstance(layer.padding, str)


def _convolved(layer: nn.Conv2d, x: Tensor) -> Tensor:
    large = (x.shape[-2], x.shape[-1])
    padded = (side + 2 * padding - kernel for side, padding, kernel in zip(large, layer.padding, layer.kernel_size))
    small = tuple(rest // stride + 1 for rest, stride in zip(padded, layer.stride))
    wiring = Wiring(*layer.weight.shape[1::-1], layer.kernel_size, layer.stride, layer.padding, large, small)
    if x.dim() != 4 or not wiring.suits:
        return nn.Conv2d.forward(layer, x)
    product = x.flatten(1) @ matrix(layer.weight, wiring)
    return _with_bias(product.view(len(x), layer.out_channels, *small), layer.bias)


def _transposed(layer: nn.ConvTranspose2d, x: Tensor, output_size: list[int] | None = None) -> Tensor:
    small = (x.shape[-2], x.shape[-1])
    sizes = zip(small, layer.stride, layer.padding, layer.kernel_size, layer.output_padding)
    large = tuple((side - 1) * stride - 2 * padding + kernel + more for side, stride, padding, kernel, more in sizes)
    wiring = Wiring(*layer.weight.shape[1::-1], layer.kernel_size, layer.stride, layer.padding, large, small)
    if x.dim() != 4 or output_size is not None or not wiring.suits:
        return nn.ConvTranspose2d.forward(layer, x, output_size)
    product = x.flatten(1) @ matrix(layer.weight, wiring).t()
    return _with_bias(product.view(len(x), layer.out_channels, *large), layer.bias)


def _with_bias(maps: Tensor, bias: Tensor | None) -> Tensor:
    return maps if bias is None else maps + bias[:, None, None]
