"""Small digits turned and moved on a larger canvas."""

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
    """Images (1, 16, 16) of a digit, turned by a whole angle in -20..20 degrees within its 8 x 8 pixels and pasted with
    0..7 pixels above and to the left of it.

    Affine MNIST's small sister, which needs no files. Each split is made of the split of that name of `digits`; 10,000
    images to validate and to test.

    images: None draws new images for every batch; a number draws batches from so many fixed ones.
    """

    version = 1
    source = "as Kim, Kim and Kim 2018, arXiv:1803.01500 (MemoryGAN), authors' code, with the digits in scikit-learn"

    images: Count | None = None

    def space(self, root: Path | None) -> Space:
        return Space((1, SIDE, SIDE), classes=10)

    def load(self, root: Path | None) -> Data:
        draw = partial(on_canvas, SIDE)
        return drawn(self.space(root), Digits().load(root), draw, self.images or 20_000, self.images is None)
