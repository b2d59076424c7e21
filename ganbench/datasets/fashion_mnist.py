"""Articles of clothing, in MNIST's form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Lt

from ganbench.datasets.base import Data, Downloadable, Labelled, Space
from ganbench.datasets.parts.splits import told
from ganbench.datasets.parts.torchvision import Published, checked, fetch, read

PUBLISHED = Published(
    kind="fashion_mnist",
    name="FashionMNIST",
    files={
        "FashionMNIST/raw/train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "FashionMNIST/raw/train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "FashionMNIST/raw/t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "FashionMNIST/raw/t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
)


@dataclass(frozen=True, kw_only=True)
class FashionMNIST(Labelled, Downloadable):
    """70,000 images (1, 28, 28) of ten kinds of clothing.

    The published 10,000 to test; the published training images, less those for validation, to train.

    validation: how many of the last training images are set aside.
    """

    version = 1
    source = "Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747"

    validation: Annotated[int, Ge(1), Lt(60_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((1, 28, 28), classes=10)

    def load(self, root: Path | None) -> Data:
        return told(read(PUBLISHED, root, self.space(root), self.validation), self)

    def fetch(self, root: Path) -> None:
        fetch(PUBLISHED, root)

    def check(self, root: Path | None) -> None:
        checked(PUBLISHED, root)
