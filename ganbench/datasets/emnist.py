"""Handwritten letters and digits, in the format of MNIST."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Lt

from ganbench.datasets.base import Space, Split
from ganbench.datasets.parts.published import PublishedSplits, read_idx_pair

ARCHIVE = "EMNIST/raw/gzip.zip"
CLASSES = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 26, "digits": 10, "mnist": 10}


@dataclass(frozen=True, kw_only=True)
class EMNIST(PublishedSplits):
    """Images (1, 28, 28) of handwritten letters and digits, upright (the files hold them transposed).

    The splits are the published ones. The validation split is taken from the end of the training images. The classes
    have the published order and start at 0: digits, capital letters, lower-case letters.

    split: the collection and its number of classes: `byclass` 62 and `bymerge` 47 of 814,255 images, `balanced` 47 of
      131,600, `letters` 26 of 145,600 (one class for both cases), `digits` 10 of 280,000, `mnist` 10 of 70,000.
    validation: the number of training images set aside for validation, the last ones.
    train: `all`: training also draws from the validation images, as in most papers.
    """

    version = 1
    source = "Cohen, Afshar, Tapson, van Schaik 2017, arXiv:1702.05373"
    torchvision_name = "EMNIST"
    files: ClassVar[Mapping[str, str]] = {ARCHIVE: "58c8d27c78d21e728a6bc7b3cc06412e"}

    split: Literal["byclass", "bymerge", "balanced", "letters", "digits", "mnist"] = "balanced"
    validation: Annotated[int, Ge(1), Lt(60_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((1, 28, 28), CLASSES[self.split])

    def read_split(self, place: Path, train: bool) -> Split:
        start = f"gzip/emnist-{self.split}-{'train' if train else 'test'}"
        with zipfile.ZipFile(place / ARCHIVE) as archive:
            images, labels = (archive.read(f"{start}-{end}-ubyte.gz") for end in ("images-idx3", "labels-idx1"))
        pair = read_idx_pair(images, labels)
        assert pair.y is not None
        first_label = 1 if self.split == "letters" else 0
        return Split(pair.x.transpose(2, 3).contiguous(), pair.y - first_label)

    def download(self, root: Path) -> None:
        self.download_from({ARCHIVE: self.torchvision().url}, root)
