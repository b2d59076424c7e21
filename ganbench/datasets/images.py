"""A user's own images in a folder or a zip archive."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ganbench.component import Count
from ganbench.datasets.base import Data, Space
from ganbench.datasets.parts.content import UserFiles
from ganbench.datasets.parts.files import located
from ganbench.datasets.parts.images import Form, content_hash, read_set, read_space
from ganbench.datasets.parts.splits import completed, data_of
from ganbench.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class Images(UserFiles):
    """Images (channels, size, size), known by their content. The folder of an image is its class.

    Images in a single folder have no labels. Folders named train, val and test are the splits; a missing validation or
    test split is made of a tenth of the training images, the same in every run, with every class in proportion. The
    labels in StyleGAN's dataset.json come before the folders, and folders such as 00000, which hold parts of one set,
    are no classes. A message says which classes were found and what was left out.

    path: a folder or a zip archive; a relative path starts at the data folder (`GANBENCH_DATA`), or at the current
      folder if none is set.
    size: images are cropped to their largest centred square and resized by PIL's antialiased Lanczos filter; None takes
      them unchanged and requires images of one size.
    channels: 1 for grey (ITU-R 601 luma), 3 for RGB; transparency is dropped, and EXIF's orientation is applied.
    """

    version = 1
    source = "a user's images"

    size: Count | None = None
    channels: Literal[1, 3] = 3

    def content_of(self, place: Path) -> str:
        return content_hash(place)

    def space(self, root: Path | None) -> Space:
        return read_space(located(self.path, root), self._form)

    def load(self, root: Path | None) -> Data:
        place = located(self.path, root)
        images = read_set(place, self._form, self.path)
        if "train" not in images.parts:
            given = f"its folders are the splits {' and '.join(images.parts)}"
            raise RequestError(str(place), given, "training images", "add a folder 'train', or name one of the folders")
        return replace(data_of(images.space, completed(images.parts, str(place))), notes=images.notes)

    @property
    def _form(self) -> Form:
        return Form(self.size, self.channels)
