"""Buffers that a forward pass renews, under every `torch.func` transform."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Keep(torch.autograd.Function):
    """Write a value into a buffer. `torch.func.grad` refuses `copy_`, which would hide the change from gradients."""

    @staticmethod
    def forward(buffer: Tensor, value: Tensor) -> Tensor:
        return buffer.copy_(value).clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """No gradient, so nothing to keep."""

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, int], buffer: Tensor, value: Tensor) -> tuple[Tensor, int]:
        return Keep.apply(buffer.movedim(in_dims[0], 0), value.movedim(in_dims[1], 0)), 0
