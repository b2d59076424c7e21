"""How a check compares and fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from ganbench.rng import global_stream

TOLERANCE = 1e-9  # in float64, between two ways to compute the same


def claim(holds: object, otherwise: str) -> None:
    """Raise `AssertionError` with that sentence unless the claim holds (a statement `assert` is silent under -O)."""
    if not holds:
        raise AssertionError(otherwise)


def same(one: Any, other: Any) -> bool:
    """Whether two values made of tensors, numbers, mappings and lists are the same to the bit."""
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and one.dtype == other.dtype and one.equal(other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def fresh(make: Callable[[], nn.Module], name: str, seed: int = 0) -> nn.Module:
    """A network in float64 with the initial weights of a seed; `name` is its stream."""
    with global_stream(seed, "init", name):
        return make().double()
