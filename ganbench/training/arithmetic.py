"""Networks in another precision or memory layout than float32 with contiguous tensors (`ganbench.spec.Arithmetic`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ganbench.spec import Arithmetic
from ganbench.training import bands
from ganbench.variants.base import Params, Player

PRODUCTS = {
    *(F.linear, F.conv1d, F.conv2d, F.conv_transpose1d, F.conv_transpose2d, F.bilinear),
    *(torch.matmul, torch.mm, torch.bmm, torch.addmm, torch.baddbmm, torch.einsum),
    *(bands.to_large, bands.to_small),
    *(Tensor.matmul, Tensor.__matmul__, Tensor.__rmatmul__, Tensor.mm, Tensor.bmm),
}


class BFloat16Products(TorchFunctionMode):
    """Matrix products and convolutions of float32 tensors take them as bfloat16 and return float32.

    `torch.autocast` can't do this in a pack: `torch.func.vmap` takes convolutions apart before autocast sees them. Here
    the Python functions are intercepted, which holds inside and outside of every transform.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = kwargs or {}
        if func not in PRODUCTS:
            return func(*args, **named)
        reduced = func(*map(_reduced, args), **{name: _reduced(value) for name, value in named.items()})
        return reduced.to(torch.float32)


def _reduced(value: Any) -> Any:
    return value.to(torch.bfloat16) if isinstance(value, Tensor) and value.dtype == torch.float32 else value


def computed_in(arithmetic: Arithmetic, player: Player) -> Player:
    """The same network, computed in this way. Its parameters, gradients and outputs stay in float32."""
    if arithmetic.memory_format == "channels_last":
        player = _channels_last(player)
    return _in_bfloat16(player) if arithmetic.precision == "bf16" else player


def _in_bfloat16(player: Player) -> Player:
    def apply(params: Params, *inputs: Tensor, **part: str) -> Tensor:
        with BFloat16Products():
            return player.apply(params, *inputs, **part)

    return replace(player, apply=apply)


def _channels_last(player: Player) -> Player:
    """The network on copies of its images and filters with the channels last; torch keeps that layout in between.

    Parameters are copied at each call, so that optimizers and checkpoints see the usual layout.
    """

    def apply(params: Params, *inputs: Tensor, **part: str) -> Tensor:
        filters = {name: _with_channels_last(param) for name, param in params.items()}
        return player.apply(filters, *map(_with_channels_last, inputs), **part)

    return replace(player, apply=apply)


def _with_channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
