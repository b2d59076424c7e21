"""Cursive Japanese characters, in the format of MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt

from ganbench.datasets.base import Space, Split
from ganbench.datasets.parts.published import PublishedSplits, read_idx_pair


@dataclass(frozen=True, kw_only=True)
class KMNIST(PublishedSplits):
    """70,000 images (1, 28, 28) of ten Hiragana characters in cursive writing (Kuzushiji-MNIST).

    The splits are the published ones. The validation split is taken from the end of the training images.

    validation: the number of training images set aside for validation, the last ones.
    train: `all`: training also draws from the validation images, as in most papers.
    """

    version = 1
    source = "Clanuwat et al. 2018, arXiv:1812.01718"
    torchvision_name = "KMNIST"
    files: ClassVar[Mapping[str, str]] = {
        "KMNIST/raw/train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
        "KMNIST/raw/train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
        "KMNIST/raw/t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
        "KMNIST/raw/t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
    }

    validation: Annotated[int, Ge(1), Lt(60_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((1, 28, 28), classes=10)

    def read_split(self, place: Path, train: bool) -> Split:
        start = place / "KMNIST/raw" / ("train" if train else "t10k")
        images, labels = (Path(f"{start}-{end}-ubyte.gz") for end in ("images-idx3", "labels-idx1"))
        return read_idx_pair(images.read_bytes(), labels.read_bytes())
