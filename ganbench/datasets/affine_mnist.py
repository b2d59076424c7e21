"""MNIST digits turned and moved on a larger canvas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ganbench.component import Count
from ganbench.datasets.base import Data, Dataset, Downloadable, Space
from ganbench.datasets.mnist import MNIST
from ganbench.datasets.parts.affine import on_canvas
from ganbench.datasets.parts.drawn import drawn

SIDE = 40


@dataclass(frozen=True, kw_only=True)
class AffineMNIST(Dataset, Downloadable):
    """Images (1, 40, 40) of an MNIST digit, turned by a whole angle in -20..20 degrees within its 28 x 28 pixels and
    pasted with 0..11 pixels above and to the left of it.

    Each split is made of the digits of MNIST's split of that name; 10,000 images to validate and to test. This is not
    the affNIST of Toronto. The authors' code turns by cubic splines and keeps what falls out of the range; here it is
    torch's bicubic interpolation, clipped to 0..255.

    images: None draws new images for every batch, as the authors' code does; a number draws batches from so many fixed.
    """

    version = 1
    source = "Kim, Kim and Kim 2018, arXiv:1803.01500 (MemoryGAN), authors' code"

    images: Count | None = None

    def space(self, root: Path | None) -> Space:
        return Space((1, SIDE, SIDE), classes=10)

    def load(self, root: Path | None) -> Data:
        draw = partial(on_canvas, SIDE)
        return drawn(self.space(root), MNIST().load(root), draw, self.images or 50_000, self.images is None)

    def fetch(self, root: Path) -> None:
        MNIST().fetch(root)

    def check(self, root: Path | None) -> None:
        MNIST().check(root)
