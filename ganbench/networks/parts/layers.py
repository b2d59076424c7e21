"""Layers that several networks share. All of them work under `torch.func` transforms."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganbench.networks.parts.normalisation import BatchNorm, Norm

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "softplus": nn.Softplus,
}


class Gate(nn.Module):
    """(n, 2c, ...) -> (n, c, ...): sigmoid of the even channels times tanh of the odd ones.

    The gated multiplicative nonlinearity of van den Oord et al. 2016, arXiv:1606.05328, eq. 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x[:, ::2].sigmoid() * x[:, 1::2].tanh()


class Maxout(nn.Module):
    """(n, units * pieces) -> (n, units): the largest piece of each unit. Goodfellow et al. 2013, arXiv:1302.4389."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], -1, self.pieces).amax(dim=2)


class Divide(nn.Module):
    """x / divisor."""

    def __init__(self, divisor: float) -> None:
        super().__init__()
        self.divisor = divisor

    def forward(self, x: Tensor) -> Tensor:
        return x / self.divisor


class Pool(nn.Module):
    """(n, c, h, w) -> (n, c): the sum or the mean over the pixels."""

    def __init__(self, how: Literal["sum", "mean"]) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        return x.sum((2, 3)) if self.how == "sum" else x.mean((2, 3))


def uninitialised(layer: Callable[..., nn.Module], *sizes: int, **options: Any) -> nn.Module:
    """A layer whose parameters are not filled in yet. Making it draws no random number."""
    made = layer(*sizes, device="meta", **options)
    for name, param in made.named_parameters():  # `to_empty` would import torch's compiler to find the strides
        setattr(made, name, nn.Parameter(torch.empty(param.shape, dtype=param.dtype)))
    return made


def activated(activation: nn.Module, channels: int, norm: Norm | None) -> list[nn.Module]:
    """What follows a layer with that many channels: the norm, if there is one, and the activation."""
    return [activation] if norm is None else [norm(channels), activation]


def hidden(
    widths: tuple[int, ...], activation: Callable[[], nn.Module], *, norm: bool, pieces: int = 1, gain: bool = True
) -> list[nn.Module]:
    """Linear layers between consecutive widths, each with batch norm if `norm` is set, then the activation.

    A layer has `pieces` linear units for each unit of its width. A layer before batch norm has no bias, since batch
    norm adds an offset.
    """
    stack: list[nn.Module] = []
    for inputs, units in pairwise(widths):
        stack.append(uninitialised(nn.Linear, inputs, units * pieces, bias=not norm))
        stack += [BatchNorm(units * pieces, gain=gain)] if norm else []
        stack.append(activation())
    return stack


def update_buffer(buffer: Tensor, value: Tensor) -> None:
    """Write a value into a buffer inside a forward pass, under any `torch.func` transform."""
    _UpdateBuffer.apply(buffer, value)


class _UpdateBuffer(torch.autograd.Function):
    """`torch.func.grad` refuses `copy_` on a tensor from outside, since gradients would not see the change."""

    @staticmethod
    def forward(buffer: Tensor, value: Tensor) -> Tensor:
        return buffer.copy_(value).clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Nothing is saved for a backward pass: there is no gradient."""

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, int], buffer: Tensor, value: Tensor) -> tuple[Tensor, int]:
        return _UpdateBuffer.apply(buffer.movedim(in_dims[0], 0), value.movedim(in_dims[1], 0)), 0
