"""Handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Lt

from ganbench.datasets.base import Data, Downloadable, Labelled, Space
from ganbench.datasets.parts.splits import told
from ganbench.datasets.parts.torchvision import Published, checked, fetch, read

PUBLISHED = Published(
    kind="mnist",
    name="MNIST",
    files={
        "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
)


@dataclass(frozen=True, kw_only=True)
class MNIST(Labelled, Downloadable):
    """70,000 images (1, 28, 28) of ten handwritten digits.

    The published 10,000 to test; the published training images, less those for validation, to train.

    validation: how many of the last training images are set aside (10,000 as in Goodfellow et al. 2014).
    """

    version = 1
    source = "LeCun, Bottou, Bengio, Haffner 1998; http://yann.lecun.com/exdb/mnist"

    validation: Annotated[int, Ge(1), Lt(60_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((1, 28, 28), classes=10)

    def load(self, root: Path | None) -> Data:
        return told(read(PUBLISHED, root, self.space(root), self.validation), self)

    def fetch(self, root: Path) -> None:
        fetch(PUBLISHED, root)

    def check(self, root: Path | None) -> None:
        checked(PUBLISHED, root)
