"""Augmentations of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.augmentations.base import Augmentation

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class ImageAugmentation(Augmentation):
    """An augmentation that needs the rows and columns of an image."""

    @property
    def mixes_channels(self) -> bool:
        """Whether it computes one colour channel from another."""
        return False

    def unsupported(self, space: Space) -> str | None:
        if not space.is_image:
            return "it transforms images, and the data are points; use none or apa"
        if self.mixes_channels and space.stacked > 1:
            return "its colours mix channels, which are separate images in these data; set colour to 0"
        if self.mixes_channels and space.shape[0] not in (1, 3):
            return f"its colours are of 1 or 3 channels, not of {space.shape[0]}; set colour to 0"
        return None
