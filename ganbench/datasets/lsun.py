"""Photographs of scenes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ganbench.component import Count
from ganbench.datasets.base import Data, Dataset, Downloadable, Space, Split
from ganbench.datasets.parts.images import Form, decoded, pixels
from ganbench.datasets.parts.torchvision import Published, checked, downloading
from ganbench.errors import RequestError

HELD_OUT = 10_000  # images for validation, and to test
URL = "http://dl.yf.io/lsun/scenes/{}.zip"  # as in the authors' https://github.com/fyu/lsun
Scene = Literal[
    "bedroom",
    "bridge",
    "church_outdoor",
    "classroom",
    "conference_room",
    "dining_room",
    "kitchen",
    "living_room",
    "restaurant",
    "tower",
]


@dataclass(frozen=True, kw_only=True)
class LSUN(Dataset, Downloadable):
    """Photographs (3, size, size) of one kind of scene, without labels. It takes the package lmdb.

    The first images of the published training database, whose order is that of hashes: `images` to train, then 10,000
    for validation and 10,000 to test (the published validation set has 300 only).

    scene: which database; `ganbench fetch` gets the bedrooms (43 GB).
    images: how many to train on, which rest in memory: 12 kB each at size 64. There are 126,227 churches or more.
    size: the largest centred square is resized by PIL's antialiased Lanczos filter.
    """

    version = 1
    source = "Yu et al. 2015, arXiv:1506.03365; https://github.com/fyu/lsun"

    scene: Scene = "bedroom"
    images: Count = 100_000
    size: Count = 64

    def space(self, root: Path | None) -> Space:
        return Space((3, self.size, self.size))

    def load(self, root: Path | None) -> Data:
        place, wanted = self._checked(root), self.images + 2 * HELD_OUT
        x = np.empty((wanted, 3, self.size, self.size), dtype=np.uint8)
        found = 0
        with _lmdb().open(str(place), readonly=True, lock=False, readahead=False) as base, base.begin() as reading:
            for found, (key, value) in enumerate(islice(reading.cursor(), wanted), start=1):
                image = decoded(f"{place}, image {key.decode()}", partial(bytes, value))
                x[found - 1] = pixels(image, Form(self.size, 3))
        if found < wanted:
            given = f"it holds {found} images, but {wanted} are asked for, {2 * HELD_OUT} of them held out"
            raise RequestError(str(place), given, "", "give smaller 'images'")
        train, validation, test = torch.from_numpy(x).tensor_split([self.images, wanted - HELD_OUT])
        return Data(self.space(root), Split(train), Split(validation), Split(test))

    def fetch(self, root: Path) -> None:
        from torchvision.datasets.utils import download_and_extract_archive

        with downloading("lsun", root):
            download_and_extract_archive(URL.format(f"{self.scene}_train_lmdb"), root)
        self._checked(root)

    def check(self, root: Path | None) -> None:
        _lmdb()
        self._checked(root)

    def _checked(self, root: Path | None) -> Path:
        """The folder of the database."""
        folder = f"{self.scene}_train_lmdb"
        return checked(Published("lsun", "LSUN", {f"{folder}/data.mdb": ""}), root) / folder


def _lmdb() -> Any:
    try:
        import lmdb
    except ModuleNotFoundError as error:
        given, allowed = "the package lmdb is not installed", "LSUN's files are databases of its kind"
        raise RequestError("dataset lsun", given, allowed, "pip install 'ganbench[lsun]'") from error
    return lmdb
