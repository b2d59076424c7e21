"""Printed digits with small variability."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ganbench.component import Count, Index, NonNegative
from ganbench.datasets.base import Data, Labelled, Space, Split, SplitName
from ganbench.datasets.parts.glyphs import SIDE, printed
from ganbench.datasets.parts.splits import data_of, with_few_labels
from ganbench.rng import stream

HELD_OUT = 200  # images of each digit in the validation split, and in the test split


@dataclass(frozen=True, kw_only=True)
class Glyphs(Labelled):
    """Images (1, 28, 28) of ten printed digits, white on black, that differ only by a shift and a rotation.

    A GAN that fails on them fails because it is unstable, not because the data are hard. They replace the files
    `times.shift.rotate` (rotation 0: `times.shift`) of the authors' code. Those are in Times, with limits that the
    paper does not give; these are in STIX, a typeface similar to Times.

    per_class: training images of each digit; validation and test have 200 more of each.
    shift: the largest number of pixels by which a digit is moved vertically and horizontally.
    rotation: the largest angle in degrees, in both directions. Without rotation a digit has only (2 shift + 1)^2
      images.
    """

    version = 1
    source = "Mao et al. 2017, arXiv:1712.06391, section on datasets with small variability (authors' code)"

    per_class: Count = 1000
    shift: Index = 3
    rotation: NonNegative = 15.0

    def space(self, root: Path | None) -> Space:
        return Space((1, SIDE, SIDE), classes=10)

    def load(self, root: Path | None) -> Data:
        sizes: dict[SplitName, int] = {"train": self.per_class, "validation": HELD_OUT, "test": HELD_OUT}
        return with_few_labels(
            data_of(self.space(root), {name: self._split(name, each) for name, each in sizes.items()}), self
        )

    def _split(self, name: SplitName, each: int) -> Split:
        generator = stream(0, "glyphs", name)
        y = torch.arange(10).repeat(each)
        degrees = torch.rand(len(y), generator=generator, dtype=torch.float64).mul(2).sub(1).mul(self.rotation)
        shift = torch.randint(-self.shift, self.shift + 1, (len(y), 2), generator=generator)
        return Split(printed(y, degrees, shift), y)
