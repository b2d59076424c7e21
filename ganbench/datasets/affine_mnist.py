"""MNIST digits, rotated and moved on a larger canvas."""

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
    """Images (1, 40, 40) of an MNIST digit, rotated and pasted at a random place.

    The angle is a whole number in -20..20 degrees, within the digit's 28 x 28 pixels. The digit is pasted 0..11 pixels
    from the top and from the left. Each split is made from the same split of MNIST; validation and test have 10,000
    images each. This is not Toronto's affNIST. The authors' code rotates with cubic splines and keeps values outside
    the range; this dataset uses torch's bicubic interpolation, clipped to 0..255.

    images: None draws new images for every batch, as the authors' code does; a number draws batches from that many
      fixed images.
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
