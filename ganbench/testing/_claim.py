"""How a check fails."""

from __future__ import annotations


def claim(holds: object, otherwise: str) -> None:
    """Raise `AssertionError` with that sentence unless the claim holds (a statement `assert` is silent under -O)."""
    if not holds:
        raise AssertionError(otherwise)
