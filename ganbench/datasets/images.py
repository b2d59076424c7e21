"""A user's own images in a folder or zip archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ganbench.component import Count
from ganbench.datasets.base import Data, Dataset, Space, Split
from ganbench.datasets.parts.files import data_root, located
from ganbench.datasets.parts.images import Form, content, labels, listed, read_images, read_side
from ganbench.datasets.parts.splits import completed, data_of


@dataclass(frozen=True, kw_only=True)
class Images(Dataset):
    """Square images (channels, size, size), known by their content. The folder that holds an image is its class.

    All in a single folder have no labels. Eight tenths to train, one for validation, one to test: the same images in
    every run, every class in its share.

    path: a folder or zip; a relative path starts at the data folder (`GANBENCH_DATA`), or else at the current folder.
    size: images are cropped to their largest centred square and resized with PIL's antialiased Lanczos filter; None
      takes them as they are and wants squares of one size.
    channels: 1 for grey (ITU-R 601 luma), 3 for RGB; transparency is dropped.
    """

    version = 1
    source = "a user's images"

    path: str = field(metadata={"identity": False})
    size: Count | None = None
    channels: Literal[1, 3] = 3

    def identity(self) -> dict[str, str]:
        return {"content": content(located(self.path, data_root()))}

    def space(self, root: Path | None) -> Space:
        place = located(self.path, root)
        side = self.size or read_side(place)
        return Space((self.channels, side, side), classes=labels(listed(place))[1])

    def load(self, root: Path | None) -> Data:
        place = located(self.path, root)
        y, classes = labels(listed(place))
        x = read_images(place, Form(self.size, self.channels))
        return data_of(Space(tuple(x.shape[1:]), classes), completed({"train": Split(x, y)}, str(place)))
