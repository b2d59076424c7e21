"""Small digits, rotated and moved on a larger canvas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ganbench.component import Count
from ganbench.datasets.base import Data, Dataset, Space
from ganbench.datasets.digits import Digits
from ganbench.datasets.parts.affine import on_canvas
from ganbench.datasets.parts.drawn import drawn

SIDE = 16


@dataclass(frozen=True, kw_only=True)
class AffineDigits(Dataset):
    """Images (1, 16, 16) of a digit, rotated and pasted at a random place.

    The angle is a whole number in -20..20 degrees, within the digit's 8 x 8 pixels. The digit is pasted 0..7 pixels
    from the top and from the left.

    A small version of affine MNIST that needs no files. Each split is made from the same split of `digits`; validation
    and test have 10,000 images each.

    images: None draws new images for every batch; a number draws batches from that many fixed images.
    """

    version = 1
    source = "as Kim, Kim and Kim 2018, arXiv:1803.01500 (MemoryGAN), authors' code, with the digits in scikit-learn"

    images: Count | None = None

    def space(self, root: Path | None) -> Space:
        return Space((1, SIDE, SIDE), classes=10)

    def load(self, root: Path | None) -> Data:
        draw = partial(on_canvas, SIDE)
        return drawn(self.space(root), Digits().load(root), draw, self.images or 20_000, self.images is None)
