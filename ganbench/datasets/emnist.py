"""Handwritten letters and digits, in MNIST's form."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Ge, Lt

from ganbench.datasets.base import Data, Downloadable, Labelled, Space, Split
from ganbench.datasets.parts.idx import read_pair
from ganbench.datasets.parts.splits import told
from ganbench.datasets.parts.torchvision import Published, checked, fetch_from, parted, source_of

ARCHIVE = "EMNIST/raw/gzip.zip"
PUBLISHED = Published(kind="emnist", name="EMNIST", files={ARCHIVE: "58c8d27c78d21e728a6bc7b3cc06412e"})
CLASSES = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 26, "digits": 10, "mnist": 10}


@dataclass(frozen=True, kw_only=True)
class EMNIST(Labelled, Downloadable):
    """Images (1, 28, 28) of handwritten letters and digits, upright (the files hold them transposed).

    The published test images to test; the published training images, less those for validation, to train. Classes in
    the published order, from 0 on: digits, capital letters, small letters.

    split: the collection and its number of classes: `byclass` 62 and `bymerge` 47 of 814,255 images, `balanced` 47 of
      131,600, `letters` 26 of 145,600 (both cases one class), `digits` 10 of 280,000, `mnist` 10 of 70,000.
    validation: how many of the last training images are set aside.
    """

    version = 1
    source = "Cohen, Afshar, Tapson, van Schaik 2017, arXiv:1702.05373"

    split: Literal["byclass", "bymerge", "balanced", "letters", "digits", "mnist"] = "balanced"
    validation: Annotated[int, Ge(1), Lt(60_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((1, 28, 28), CLASSES[self.split])

    def load(self, root: Path | None) -> Data:
        with zipfile.ZipFile(checked(PUBLISHED, root) / ARCHIVE) as archive:
            train, test = (self._split(archive, part) for part in ("train", "test"))
        return told(parted(self.space(root), train, test, self.validation), self)

    def fetch(self, root: Path) -> None:
        fetch_from({ARCHIVE: source_of(PUBLISHED).url}, PUBLISHED, root)

    def check(self, root: Path | None) -> None:
        checked(PUBLISHED, root)

    def _split(self, archive: zipfile.ZipFile, part: str) -> Split:
        start = f"gzip/emnist-{self.split}-{part}"
        pair = read_pair(archive.read(f"{start}-images-idx3-ubyte.gz"), archive.read(f"{start}-labels-idx1-ubyte.gz"))
        assert pair.y is not None
        first = 1 if self.split == "letters" else 0  # label
        return Split(pair.x.transpose(2, 3).contiguous(), pair.y - first)
