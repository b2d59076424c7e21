"""Differentiable augmentation: colours, translation and cutout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from torch import Tensor

from ganbench.augmentations.base import whole_shifts
from ganbench.augmentations.parts.colours import brightened, contrasted, saturated
from ganbench.augmentations.parts.images import ImageAugmentation
from ganbench.component import Fraction, NonNegative, Search
from ganbench.variants.base import Draw

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.variants.base import Batch


@dataclass(frozen=True, kw_only=True)
class DiffAugment(ImageAugmentation):
    """Every image is changed in its colours, moved, and covered in part, in this order; a strength of 0 leaves one out.

    `colour` c, in images of the range [-1, 1]: brightness + c U(-1/2, 1/2); then saturation, the distance from the mean
    of a pixel's channels, times 1 + c U(-1, 1); then contrast, the distance from the mean of the image, times
    1 + c U(-1/2, 1/2).
    `translation`: by whole pixels up to this share of each side; what enters is 0. `cutout`: a rectangle of this share
    of each side becomes 0; its centre is anywhere in the image. The defaults are the paper's policy.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao et al. 2020, Differentiable augmentation, arXiv:2006.10738, section 3.2, and its code"

    colour: Annotated[NonNegative, Search(0.1, 2.0)] = 1.0
    translation: Annotated[Fraction, Search(0.05, 0.5)] = 0.125
    cutout: Annotated[Fraction, Search(0.1, 0.75)] = 0.5

    def transformed(self, x: Tensor, batch: Batch) -> Tensor:
        brightness, saturation, contrast = (self.colour * (batch.noise["colour"] - 0.5)).unbind(1)
        x = saturated(brightened(x, brightness), 2 * saturation)
        x = contrasted(x, contrast, x.mean((1, 2, 3), keepdim=True))
        moves, centres = batch.noise["translation"], batch.noise["cutout"]
        for axis in (2, 3):
            x = translated(x, whole_shifts(moves[:, axis - 2], int(x.shape[axis] * self.translation)), axis)
        covered = self._covered(x.shape[2], centres[:, 0])[:, None, :, None]
        return x.masked_fill(covered & self._covered(x.shape[3], centres[:, 1])[:, None, None, :], 0)

    def draws(self, n: int, space: Space) -> dict[str, Draw]:
        uniform = {"colour": (n, 3), "translation": (n, 2), "cutout": (n, 2)}
        return {name: Draw(shape, "uniform") for name, shape in uniform.items()}

    @property
    def mixes_channels(self) -> bool:
        return self.colour > 0

    def _covered(self, size: int, uniform: Tensor) -> Tensor:
        """(n, size), the pixels of a side that lie in the rectangle."""
        width = int(size * self.cutout + 0.5)
        centre = (uniform * (size + 1 - width % 2)).floor()
        distance = torch.arange(size, device=uniform.device) - (centre - width // 2)[:, None]
        return (distance >= 0) & (distance < width)


def translated(x: Tensor, by: Tensor, axis: int) -> Tensor:
    """Images (n, c, h, w), moved towards the start of an axis by (n,) pixels; what enters is 0."""
    size = x.shape[axis]
    index = torch.arange(size, device=x.device) + by[:, None]
    shape = (len(x), 1, size, 1) if axis == 2 else (len(x), 1, 1, size)
    moved = x.gather(axis, index.clamp(0, size - 1).reshape(shape).expand(x.shape))
    return moved.masked_fill(((index < 0) | (index >= size)).reshape(shape), 0)
