"""Handwritten Chinese characters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image

from ganbench.component import Count
from ganbench.datasets.base import Data, Dataset, Space, Split
from ganbench.datasets.parts.files import data_root, located
from ganbench.datasets.parts.gnt import Bitmap, content, records
from ganbench.datasets.parts.splits import completed, data_of
from ganbench.errors import RequestError

LEVEL_1 = range(0xB0A1, 0xD7FA)  # codes of the common characters in GB 2312


@dataclass(frozen=True, kw_only=True)
class HWDB(Dataset):
    """Images (1, size, size) of CASIA's handwritten characters, known by their content.

    The classes are the GB codes that occur, in order. Eight tenths to train, one for validation, one to test: the same
    images in every run, every class in its share. Heights and widths are resized apart, by PIL's bilinear filter.

    path: a .gnt file or a folder of them; a relative one starts at the data folder (`GANBENCH_DATA`), or else at the
      current folder.
    codes: `level1` leaves out all but the characters of GB 2312's level 1; of HWDB1.0 remain LSGAN's 3740 classes.
    inverted: white ink on black instead of black ink on white paper, which LSGAN's code takes as it is.
    """

    version = 1
    source = "Liu et al. 2011, CASIA Online and Offline Chinese Handwriting Databases, ICDAR"

    path: str = field(metadata={"identity": False})
    size: Count = 28
    codes: Literal["all", "level1"] = "all"
    inverted: bool = False

    def identity(self) -> dict[str, str]:
        return {"content": content(located(self.path, data_root()))}

    def space(self, root: Path | None) -> Space:
        return self._space(len(np.unique([code for code, _ in self._characters(root)])))

    def load(self, root: Path | None) -> Data:
        codes, images = zip(*((code, self._resized(bitmap)) for code, bitmap in self._characters(root)), strict=True)
        classes, y = np.unique(codes, return_inverse=True)
        x = torch.from_numpy(np.stack(images))[:, None]
        split = Split(255 - x if self.inverted else x, torch.from_numpy(y))
        return data_of(self._space(len(classes)), completed({"train": split}, self.path))

    def _space(self, classes: int) -> Space:
        return Space((1, self.size, self.size), classes)

    def _characters(self, root: Path | None) -> Iterator[tuple[int, Bitmap]]:
        """The chosen characters with their codes; at least one."""
        place, empty = located(self.path, root), True
        for code, bitmap in records(place):
            if self.codes == "all" or code in LEVEL_1:
                empty = False
                yield code, bitmap
        if empty:
            raise RequestError(str(place), "it holds no character of the asked codes", "", "correct 'path' or 'codes'")

    def _resized(self, bitmap: Bitmap) -> Bitmap:
        return np.asarray(Image.fromarray(bitmap).resize((self.size, self.size), Image.Resampling.BILINEAR))
