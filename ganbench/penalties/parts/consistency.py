"""Consistency: D's score of an image should stay when the image is flipped and shifted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from ganbench.augmentations.base import Side, flipped, whole_shifts
from ganbench.component import Index
from ganbench.penalties.base import Penalty
from ganbench.variants.base import Draw

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.variants.base import Batch, Players


@dataclass(frozen=True, kw_only=True)
class ConsistencyPenalty(Penalty):
    """Terms in the change of D's scores under T, which flips an image in half of the cases and shifts it.

    The shift is a whole number of pixels along each axis, up to `shift`; what enters mirrors the image at its border.
    """

    sides: ClassVar[tuple[str, ...]]  # whose images are transformed

    shift: Index = 4

    def change(self, net: Players, batch: Batch, side: Side) -> Tensor:
        """E (D(x) - D(T(x)))^2 over the real images, or over the fakes."""
        x = batch.x if side == "real" else net.g(batch.z)
        flip, place = batch.noise[f"{side}_flip"], batch.noise[f"{side}_shift"]
        moved = shifted(flipped(x, flip < 0.5), whole_shifts(place, self.shift))
        return (net.d(x) - net.d(moved)).square().mean()

    def noise(self, n: int, space: Space) -> dict[str, Draw]:
        return {
            f"{side}_{name}": Draw(shape, "uniform")
            for side in self.sides
            for name, shape in {"flip": (n,), "shift": (n, 2)}.items()
        }

    def unsupported(self, space: Space) -> str | None:
        if not space.is_image:
            return "it flips and shifts images, and the data are points; use another penalty, such as lecam or zcr"
        if self.shift >= min(space.shape[1:]):
            return f"a shift of {self.shift} pixels leaves nothing of an image; set shift below {min(space.shape[1:])}"
        return None


def shifted(x: Tensor, by: Tensor) -> Tensor:
    """Images (n, c, h, w), moved by (n, 2) pixels up and to the left; what enters mirrors the image at its border."""
    n, channels, height, width = x.shape
    rows = _mirrored(torch.arange(height, device=x.device) + by[:, :1], height)
    columns = _mirrored(torch.arange(width, device=x.device) + by[:, 1:], width)
    moved = x.gather(2, rows[:, None, :, None].expand(n, channels, height, width))
    return moved.gather(3, columns[:, None, None, :].expand(n, channels, height, width))


def _mirrored(index: Tensor, size: int) -> Tensor:
    """Indices beyond the border, by less than `size`, as those of their mirror images."""
    return size - 1 - (size - 1 - index.abs()).abs()
