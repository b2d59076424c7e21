"""A user's own images in a folder or a zip archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganbench.component import Count
from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.parts.content import UserFiles
from ganbench.datasets.parts.files import located
from ganbench.datasets.parts.images import Form, content_hash, labels, listed, read_images, read_side
from ganbench.datasets.parts.splits import completed, data_of


@dataclass(frozen=True, kw_only=True)
class Images(UserFiles):
    """Square images (channels, size, size), known by their content. The folder of an image is its class.

    Images in a single folder have no labels. Eight tenths are training images, a tenth each is for validation and test;
    the split is the same in every run, with every class in proportion.

    path: a folder or a zip archive; a relative path starts at the data folder (`GANBENCH_DATA`), or at the current
      folder if none is set.
    size: images are cropped to their largest centred square and resized by PIL's antialiased Lanczos filter; None takes
      them unchanged and requires squares of one size.
    channels: 1 for grey (ITU-R 601 luma), 3 for RGB; transparency is dropped.
    """

    version = 1
    source = "a user's images"

    size: Count | None = None
    channels: Literal[1, 3] = 3

    def content_of(self, place: Path) -> str:
        return content_hash(place)

    def space(self, root: Path | None) -> Space:
        place = located(self.path, root)
        side = self.size or read_side(place)
        return Space((self.channels, side, side), classes=labels(listed(place))[1])

    def load(self, root: Path | None) -> Data:
        place = located(self.path, root)
        y, classes = labels(listed(place))
        x = read_images(place, Form(self.size, self.channels))
        return data_of(Space(tuple(x.shape[1:]), classes), completed({"train": Split(x, y)}, str(place)))
