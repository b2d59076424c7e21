"""A user's own samples in a .npy or .npz file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ganbench.datasets.base import Data, Dataset, Space
from ganbench.datasets.parts.arrays import read_space, read_splits
from ganbench.datasets.parts.files import data_root, digest, located
from ganbench.datasets.parts.splits import completed, data_of


@dataclass(frozen=True, kw_only=True)
class Arrays(Dataset):
    """uint8 images (N, H, W) or (N, H, W, C), or floating-point points (N, d), known by the file's content.

    A .npz file holds `x_train`, and if you like `x_val`, `x_test` and labels `y_train`, `y_val`, `y_test` (also
    `train_images`, `train_labels` ...); or one array, or `x` and `y`. A validation or test split that is absent is a
    tenth of the training samples, the same in every run, every class in its share. The Toronto Face Dataset (TFD),
    which is not public, is read so as (N, 48, 48).

    path: a relative one starts at the data folder (`GANBENCH_DATA`), or at the current folder without one.
    """

    version = 1
    source = "a user's file"

    path: str = field(metadata={"identity": False})

    def identity(self) -> dict[str, str]:
        return {"content": digest(located(self.path, data_root()))}

    def space(self, root: Path | None) -> Space:
        return read_space(located(self.path, root))

    def load(self, root: Path | None) -> Data:
        place = located(self.path, root)
        return data_of(read_space(place), completed(read_splits(place), str(place)))
