"""Layers of packs: linear ones and convolutions of small maps as matrix products, one for each run.

Instead of them torch has grouped convolutions, which take more than twice the time. Of a linear layer `vmap` would make
more operations than needed. Batch norm of maps has the channels of all runs last in memory, as torch's fast kernels for
it want them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.training import bands
from ganbench.training.bands import Bands
from ganbench.training.wiring import Layer, Pair, Wiring, matrix_of

MANY = 2**14  # weights of a linear layer, from which NumPy takes less time for a run alone than torch


class Matrices:
    """The matrices of a layer's weight; the newest one is kept, since a loss may apply a network several times."""

    def __init__(self) -> None:
        self._newest: tuple[Tensor, Wiring, Tensor] | None = None

    def of(self, weight: Tensor, wiring: Wiring) -> Tensor:
        """`matrix_of` of them."""
        if self._newest is None or self._newest[0] is not weight or self._newest[1] != wiring:
            self._newest = weight, wiring, matrix_of(weight, wiring)
        return self._newest[2]


def by_products(module: nn.Module, alone: bool = False) -> nn.Module:
    """The same module with the same weights. `alone`: for a run that trains alone only large linear layers change."""
    for layer in module.modules():
        if type(layer) is nn.Linear and not (alone and layer.weight.numel() < MANY):
            _replace(layer, partial(_linear, layer))
        elif not alone and isinstance(getattr(layer, "running_mean", None), Tensor):
            _replace(layer, partial(_normalised, layer))
    return module if alone else convolutions_by_products(module)


def convolutions_by_products(module: nn.Module) -> nn.Module:
    """The same module with the same weights, whose plain convolutions of small maps are products."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d) and _is_plain(layer):
            _replace(layer, partial(_convolved, layer, Matrices()))
        elif isinstance(layer, nn.ConvTranspose2d) and _is_plain(layer):
            _replace(layer, partial(_transposed, layer, Matrices()))
    return module


def _replace(layer: nn.Module, forward: Callable[..., Tensor]) -> None:
    vars(layer)["forward"] = forward  # the layer keeps its parameters and their names


def _is_plain(layer: Layer) -> bool:
    own = type(layer) not in (nn.Conv2d, nn.ConvTranspose2d)  # a subclass may have a forward pass of its own
    plain = layer.groups == 1 and layer.padding_mode == "zeros" and set(layer.dilation) == {1}
    return plain and not own and not isinstance(layer.padding, str)


def _convolved(layer: nn.Conv2d, matrices: Matrices, x: Tensor) -> Tensor:
    wiring = Wiring.down(layer, tuple(x.shape[-2:]))
    if x.dim() != 4 or not wiring.suits:
        return nn.Conv2d.forward(layer, x)
    return _maps(bands.to_small(_vectors(x), matrices.of(layer.weight, wiring), wiring.bands), wiring.small, layer.bias)


def _transposed(
    layer: nn.ConvTranspose2d, matrices: Matrices, x: Tensor, output_size: list[int] | None = None
) -> Tensor:
    wiring = Wiring.up(layer, tuple(x.shape[-2:]))
    if x.dim() != 4 or output_size is not None or not wiring.suits:
        return nn.ConvTranspose2d.forward(layer, x, output_size)
    return _maps(bands.to_large(_vectors(x), matrices.of(layer.weight, wiring), wiring.bands), wiring.large, layer.bias)


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    made = bands.to_large(x.reshape(-1, x.shape[-1]), layer.weight, Bands.one(layer.out_features))
    return (made if layer.bias is None else made + layer.bias).view(*x.shape[:-1], layer.out_features)


def _normalised(layer: nn.Module, x: Tensor, *further: Any) -> Tensor:
    if x.dim() != 4:
        made: Tensor = type(layer).forward(layer, x, *further)
        return made
    return _interleaved(type(layer).forward(layer, _interleaved(x), *further))


def _interleaved(maps: Tensor) -> Tensor:
    made: Tensor = _Interleaved.apply(maps)
    return made


def _vectors(maps: Tensor) -> Tensor:
    """(n, c, h, w) -> (n, h * w * c)."""
    return maps.movedim(1, -1).flatten(1)


def _maps(vectors: Tensor, sides: Pair, bias: Tensor | None) -> Tensor:
    """(n, h * w * c) -> (n, c, h, w) in the memory format channels_last, plus a bias for each channel."""
    maps = vectors.view(len(vectors), *sides, -1)
    return (maps if bias is None else maps + bias).movedim(-1, 1)


class _Interleaved(torch.autograd.Function):
    """The same maps, and the same gradients; those of a pack in memory as maps with the channels of all runs, last."""

    @staticmethod
    def forward(maps: Tensor) -> Tensor:
        return maps.view_as(maps)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _interleaved(gradient)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int], maps: Tensor) -> tuple[Tensor, int]:
        lasting = maps.movedim(in_dims[0], 0).movedim(2, -1).movedim(0, -2).contiguous()
        return lasting.movedim(-2, 0).movedim(-1, 2), 0
