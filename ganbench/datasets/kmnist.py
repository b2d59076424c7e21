"""Cursive Japanese characters, in MNIST's form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Lt

from ganbench.datasets.base import Data, Downloadable, Labelled, Space, Split
from ganbench.datasets.parts.idx import read_pair
from ganbench.datasets.parts.splits import told
from ganbench.datasets.parts.torchvision import Published, checked, fetch, parted

PUBLISHED = Published(
    kind="kmnist",
    name="KMNIST",
    files={
        "KMNIST/raw/train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
        "KMNIST/raw/train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
        "KMNIST/raw/t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
        "KMNIST/raw/t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
    },
)


@dataclass(frozen=True, kw_only=True)
class KMNIST(Labelled, Downloadable):
    """70,000 images (1, 28, 28) of ten Hiragana characters in cursive writing (Kuzushiji-MNIST).

    The published 10,000 to test; the published training images, less those for validation, to train.

    validation: how many of the last training images are set aside.
    """

    version = 1
    source = "Clanuwat et al. 2018, arXiv:1812.01718"

    validation: Annotated[int, Ge(1), Lt(60_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((1, 28, 28), classes=10)

    def load(self, root: Path | None) -> Data:
        folder = checked(PUBLISHED, root) / "KMNIST/raw"
        train, test = (_split(folder, part) for part in ("train", "t10k"))
        return told(parted(self.space(root), train, test, self.validation), self)

    def fetch(self, root: Path) -> None:
        fetch(PUBLISHED, root)

    def check(self, root: Path | None) -> None:
        checked(PUBLISHED, root)


def _split(folder: Path, part: str) -> Split:
    images, labels = (folder / f"{part}-{rest}-ubyte.gz" for rest in ("images-idx3", "labels-idx1"))
    return read_pair(images.read_bytes(), labels.read_bytes())
