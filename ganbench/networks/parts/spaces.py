"""Which spaces convolutional networks serve, and how their messages describe the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

HALVED = "square images of side 8, 12, 16, 28, 32, 48, 64, 128 and the like"  # the sides that `halvings` accepts


def described(space: Space) -> str:
    """`images of shape 3x64x64` or `points of shape 2`."""
    return f"{'images' if space.is_image else 'points'} of shape {'x'.join(map(str, space.shape))}"


def side(space: Space) -> int:
    """The side of square images; 0 for any other space."""
    return space.shape[1] if space.is_image and space.shape[1] == space.shape[2] else 0


def halvings(side: int) -> tuple[int, ...]:
    """`side`, halved at least twice and until it is 7 or less (28, 14, 7); empty if an odd side can't be halved."""
    sides = [side]
    while len(sides) < 3 or sides[-1] > 7:
        sides.append(sides[-1] // 2)
    return tuple(sides) if side >= 8 and all(s % 2 == 0 for s in sides[:-1]) else ()
