"""Faces of celebrities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from ganbench.component import Count
from ganbench.datasets.base import Data, Space, Split, SplitName
from ganbench.datasets.parts.images import Form, read_images
from ganbench.datasets.parts.published import PublishedFiles
from ganbench.datasets.parts.splits import data_of

ARCHIVE, PARTITION = "celeba/img_align_celeba.zip", "celeba/list_eval_partition.txt"
PARTS: dict[str, SplitName] = {"0": "train", "1": "validation", "2": "test"}


@dataclass(frozen=True, kw_only=True)
class CelebA(PublishedFiles):
    """202,599 aligned photographs (3, size, size) of faces, without labels, in the published splits.

    There are 162,770 training, 19,867 validation and 19,962 test images. Reading the archive takes minutes, and 2.5 GB
    of memory at size 64.

    size: the side of the images, which are resized by PIL's antialiased Lanczos filter.
    crop: the side of the square that is cropped from the centre of the 178 x 218 pixels; papers use 108 and 148.
    """

    version = 1
    source = "Liu, Luo, Wang, Tang 2015, arXiv:1411.7766; http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
    torchvision_name = "CelebA"
    files: ClassVar[Mapping[str, str]] = {
        ARCHIVE: "00d2c5bc6d35e252742224ab0c1e8fcb",
        PARTITION: "d32c9cbf5e040fd4025c592c306e6668",
    }

    size: Count = 64
    crop: Literal[108, 148] = 108

    def space(self, root: Path | None) -> Space:
        return Space((3, self.size, self.size))

    def load(self, root: Path | None) -> Data:
        place = self.checked(root)
        names: dict[SplitName, list[str]] = {part: [] for part in PARTS.values()}
        for line in (place / PARTITION).read_text(encoding="utf-8").splitlines():
            file, part = line.split()
            names[PARTS[part]].append(f"img_align_celeba/{file}")
        form = Form(self.size, 3, self.crop)
        parts = {part: Split(read_images(place / ARCHIVE, form, chosen)) for part, chosen in names.items()}
        return data_of(self.space(root), parts)
