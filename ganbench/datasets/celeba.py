"""Faces of celebrities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganbench.component import Count
from ganbench.datasets.base import Data, Dataset, Downloadable, Space, Split, SplitName
from ganbench.datasets.parts.images import Form, read_images
from ganbench.datasets.parts.splits import data_of
from ganbench.datasets.parts.torchvision import Published, checked, fetch

ARCHIVE, PARTITION = "celeba/img_align_celeba.zip", "celeba/list_eval_partition.txt"
PUBLISHED = Published(
    kind="celeba",
    name="CelebA",
    files={ARCHIVE: "00d2c5bc6d35e252742224ab0c1e8fcb", PARTITION: "d32c9cbf5e040fd4025c592c306e6668"},
)
PARTS: dict[str, SplitName] = {"0": "train", "1": "validation", "2": "test"}


@dataclass(frozen=True, kw_only=True)
class CelebA(Dataset, Downloadable):
    """202,599 aligned photographs (3, size, size) of faces, without labels; the published splits.

    162,770 to train, 19,867 for validation, 19,962 to test. The archive is read as it is, which takes minutes, and
    2.5 GB of memory at size 64.

    size: of the image, by PIL's antialiased Lanczos filter.
    crop: side of the square in the middle of the 178 x 218 pixels that is taken; 108 and 148 are both in use.
    """

    version = 1
    source = "Liu, Luo, Wang, Tang 2015, arXiv:1411.7766; http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"

    size: Count = 64
    crop: Literal[108, 148] = 108

    def space(self, root: Path | None) -> Space:
        return Space((3, self.size, self.size))

    def load(self, root: Path | None) -> Data:
        place = checked(PUBLISHED, root)
        names: dict[SplitName, list[str]] = {part: [] for part in PARTS.values()}
        for line in (place / PARTITION).read_text().splitlines():
            file, part = line.split()
            names[PARTS[part]].append(f"img_align_celeba/{file}")
        form = Form(self.size, 3, self.crop)
        parts = {part: Split(read_images(place / ARCHIVE, form, chosen)) for part, chosen in names.items()}
        return data_of(self.space(root), parts)

    def fetch(self, root: Path) -> None:
        fetch(PUBLISHED, root)

    def check(self, root: Path | None) -> None:
        checked(PUBLISHED, root)
