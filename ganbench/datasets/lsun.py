"""Photographs of scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from ganbench.component import ADDED, Count
from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.parts.images import Form, read_image
from ganbench.datasets.parts.published import PublishedFiles
from ganbench.errors import RequestError

HELD_OUT = 10_000  # images of the validation split, and of the test split
URL = "http://dl.yf.io/lsun/scenes/{}.zip"  # as in the authors' https://github.com/fyu/lsun
Scene = Literal[
    "bedroom", "bridge", "church_outdoor", "classroom", "conference_room",
    "dining_room", "kitchen", "living_room", "restaurant", "tower",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LSUN(PublishedFiles):
    """Photographs (3, size, size) of one kind of scene, without labels. The package lmdb is needed to read them.

    They are the first images of the published training database, which is ordered by hashes: `images` training images,
    then 10,000 validation and 10,000 test images. (The published validation set has only 300.)

    scene: the kind of scene; `ganbench fetch` downloads the bedrooms (43 GB).
    images: the number of training images; null takes all that remain. They are kept in memory, 12 kB each at size 64:
      37 GB for all 3,033,042 bedrooms. The smallest database, the churches, has 126,227 images.
    size: PIL's antialiased Lanczos filter resizes the largest centred square to it (`fit: crop`), or its bilinear one
      the whole image, as the code of LSGAN's authors does (`fit: stretch`).
    """

    version = 1
    source = "Yu et al. 2015, arXiv:1506.03365; https://github.com/fyu/lsun"
    torchvision_name = "LSUN"
    files: ClassVar[Mapping[str, str]] = {}  # they depend on the scene, and no checksum is published

    scene: Scene = "bedroom"
    images: Count | None = 100_000
    size: Count = 64
    fit: Literal["crop", "stretch"] = field(default="crop", metadata=ADDED)

    def space(self, root: Path | None) -> Space:
        return Space((3, self.size, self.size))

    def needed_files(self) -> Mapping[str, str]:
        return {f"{self._folder}/data.mdb": ""}

    def load(self, root: Path | None) -> Data:
        place, form = self.checked(root) / self._folder, Form(self.size, 3, stretched=self.fit == "stretch")
        with _lmdb().open(str(place), readonly=True, lock=False, readahead=False) as base, base.begin() as reading:
            held = base.stat()["entries"]
            wanted = max(held, 2 * HELD_OUT + 1) if self.images is None else self.images + 2 * HELD_OUT
            if held < wanted:
                given = f"it holds {held} images, but {wanted} are needed, {2 * HELD_OUT} of them to validate and test"
                raise RequestError(str(place), given, "", "choose a smaller 'images'")
            x = np.empty((wanted, 3, self.size, self.size), dtype=np.uint8)
            for row, (key, value) in enumerate(islice(reading.cursor(), wanted)):
                x[row] = read_image(f"{place}, image {key.decode()}", partial(bytes, value), form)
        train, validation, test = torch.from_numpy(x).tensor_split([wanted - 2 * HELD_OUT, wanted - HELD_OUT])
        return Data(self.space(root), Split(train), Split(validation), Split(test))

    def download(self, root: Path) -> None:
        from torchvision.datasets.utils import download_and_extract_archive

        download_and_extract_archive(URL.format(self._folder), root)

    def check(self, root: Path | None) -> None:
        _lmdb()
        self.checked(root)

    @property
    def _folder(self) -> str:
        return f"{self.scene}_train_lmdb"


def _lmdb() -> Any:
    try:
        import lmdb
    except ModuleNotFoundError as error:
        given, allowed = "the package lmdb is not installed", "it reads LSUN's databases"
        raise RequestError("dataset lsun", given, allowed, "pip install 'ganbench[lsun]'") from error
    return lmdb
