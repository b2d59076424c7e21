"""How the checks compare values and report failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.rng import global_stream

TOLERANCE = 1e-9  # in float64, between two computations of the same quantity


def claim(holds: object, otherwise: str) -> None:
    """Raise `AssertionError` with that sentence unless the claim holds (python -O removes `assert` statements)."""
    if not holds:
        raise AssertionError(otherwise)


def same(first: Any, second: Any) -> bool:
    """Whether two values made of tensors, numbers, mappings and lists are equal bit for bit."""
    if isinstance(first, Tensor):
        return isinstance(second, Tensor) and first.dtype == second.dtype and first.equal(second)
    if isinstance(first, Mapping):
        return first.keys() == second.keys() and all(same(value, second[name]) for name, value in first.items())
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


def fresh(make: Callable[[], nn.Module], name: str, seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Module:
    """A network with the initial weights of a seed; `name` is its stream."""
    with global_stream(seed, "init", name):
        return make().to(dtype)
