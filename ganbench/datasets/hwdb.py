"""Handwritten Chinese characters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from ganbench.component import Count
from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.parts.content import UserFiles
from ganbench.datasets.parts.files import located
from ganbench.datasets.parts.gnt import Bitmap, content_hash, notes, records
from ganbench.datasets.parts.splits import completed, data_of
from ganbench.errors import RequestError

LEVEL_1 = range(0xB0A1, 0xD7FA)  # codes of the common characters in GB 2312


@dataclass(frozen=True, kw_only=True)
class HWDB(UserFiles):
    """Images (1, size, size) of CASIA's handwritten characters, known by their content.

    The classes are the GB codes in the files, in order. Eight tenths are training images, a tenth each is for
    validation and test; the split is the same in every run, with every class in proportion. PIL's bilinear filter
    resizes each image to a square without keeping its aspect ratio.

    path: a .gnt file or a folder of such files; a relative path starts at the data folder (`GANBENCH_DATA`), or at the
      current folder if none is set.
    codes: `level1` keeps only the characters of level 1 of GB 2312; of HWDB1.0 these are LSGAN's 3740 classes.
    inverted: white ink on black instead of black ink on white paper; LSGAN's code does not invert the images.
    """

    version = 1
    source = "Liu et al. 2011, CASIA Online and Offline Chinese Handwriting Databases, ICDAR"

    size: Count = 28
    codes: Literal["all", "level1"] = "all"
    inverted: bool = False

    def content_of(self, place: Path) -> str:
        return content_hash(place)

    def space(self, root: Path | None) -> Space:
        return self._space(len(np.unique([code for code, _ in self._characters(root)])))

    def load(self, root: Path | None) -> Data:
        codes, images = zip(*((code, self._resized(bitmap)) for code, bitmap in self._characters(root)), strict=True)
        classes, y = np.unique(codes, return_inverse=True)
        x = torch.from_numpy(np.stack(images))[:, None]
        split = Split(255 - x if self.inverted else x, torch.from_numpy(y))
        data = data_of(self._space(len(classes)), completed({"train": split}, self.path))
        return replace(data, notes=notes(located(self.path, root)))

    def _space(self, classes: int) -> Space:
        return Space((1, self.size, self.size), classes)

    def _characters(self, root: Path | None) -> Iterator[tuple[int, Bitmap]]:
        """The chosen characters with their codes. Raises `RequestError` if there is none."""
        place, empty = located(self.path, root), True
        for code, bitmap in records(place):
            if self.codes == "all" or code in LEVEL_1:
                empty = False
                yield code, bitmap
        if empty:
            raise RequestError(str(place), "it holds no character with these codes", "", "correct 'path' or 'codes'")

    def _resized(self, bitmap: Bitmap) -> Bitmap:
        return np.asarray(Image.fromarray(bitmap).resize((self.size, self.size), Image.Resampling.BILINEAR))
