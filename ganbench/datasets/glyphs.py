"""Printed digits that hardly vary."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ganbench.component import Count, Index, NonNegative
from ganbench.datasets.base import Data, Labelled, Space, Split, SplitName
from ganbench.datasets.parts.glyphs import SIDE, printed
from ganbench.datasets.parts.splits import data_of, told
from ganbench.rng import stream

HELD_OUT = 200  # images of each digit to validate, and to test


@dataclass(frozen=True, kw_only=True)
class Glyphs(Labelled):
    """Images (1, 28, 28) of ten printed digits, white on black, that differ by a shift and a rotation only.

    A GAN that fails on them fails by its own instability. They stand for the files `times.shift.rotate` (rotation 0:
    `times.shift`) that come with the authors' code: those are in Times, with limits that are not told; these are in
    STIX, a face like Times.

    per_class: images of each digit to train on; 200 more of each to validate, and to test.
    shift: the largest number of pixels by which a digit is moved, up or down and right or left.
    rotation: the largest angle in degrees, either way. Without rotation a digit has only (2 shift + 1)^2 images.
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
        return told(data_of(self.space(root), {name: self._split(name, each) for name, each in sizes.items()}), self)

    def _split(self, name: SplitName, each: int) -> Split:
        generator = stream(0, "glyphs", name)
        y = torch.arange(10).repeat(each)
        degrees = torch.rand(len(y), generator=generator, dtype=torch.float64).mul(2).sub(1).mul(self.rotation)
        shift = torch.randint(-self.shift, self.shift + 1, (len(y), 2), generator=generator)
        return Split(printed(y, degrees, shift), y)
