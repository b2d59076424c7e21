"""A user's own samples in a .npy or .npz file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ganbench.datasets.base import Data, Space
from ganbench.datasets.parts.arrays import notes, read_space, read_splits
from ganbench.datasets.parts.content import UserFiles
from ganbench.datasets.parts.files import digest, located
from ganbench.datasets.parts.splits import completed, data_of


@dataclass(frozen=True, kw_only=True)
class Arrays(UserFiles):
    """uint8 images (N, H, W) or (N, H, W, C), or floating-point points (N, d), known by the file's content.

    A .npz file holds `x_train` and optionally `x_val`, `x_test` and the labels `y_train`, `y_val`, `y_test` (or
    `train_images`, `train_labels` ...); or a single array; or `x` and `y`; or numpy's `arr_0`, with labels in
    `arr_1`, as ADM writes them, where further arrays are left out with a message. A missing validation or test split is
    made of a tenth of the training samples, the same in every run, with every class in proportion. The Toronto Face
    Dataset (TFD), which is not public, can be read in this way as (N, 48, 48).

    path: a relative path starts at the data folder (`GANBENCH_DATA`), or at the current folder if none is set.
    """

    version = 1
    source = "a user's file"

    def content_of(self, place: Path) -> str:
        return digest(place)

    def space(self, root: Path | None) -> Space:
        return read_space(located(self.path, root))

    def load(self, root: Path | None) -> Data:
        place = located(self.path, root)
        data = data_of(read_space(place), completed(read_splits(place), str(place)))
        return replace(data, notes=notes(place))
