"""Handwritten characters of many alphabets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal, Self

import torch

from ganbench.component import Count
from ganbench.datasets.base import Data, Space, Split
from ganbench.datasets.parts.content import COMPUTED, known_content
from ganbench.datasets.parts.files import digest, located
from ganbench.datasets.parts.images import Form, labels, listed, read_images
from ganbench.datasets.parts.published import PublishedFiles
from ganbench.datasets.parts.splits import completed, data_of

ARCHIVES = {
    "background": "omniglot-py/images_background.zip",
    "evaluation": "omniglot-py/images_evaluation.zip",
    "small1": "omniglot/images_background_small1.zip",
    "small2": "omniglot/images_background_small2.zip",
}
CLASSES = {"background": 964, "evaluation": 659, "small1": 136, "small2": 156, "small": 242}


@dataclass(frozen=True, kw_only=True)
class Omniglot(PublishedFiles):
    """Images (1, size, size) of characters of many alphabets, black on white, each drawn once by each of 20 people.

    Each character is a class with 16 training, 2 validation and 2 test images, which are the same in every run.

    part: the 964 characters of the 30 `background` alphabets or the 659 characters of the 20 `evaluation` alphabets; or
      the 136 (`small1`) and 156 (`small2`) characters of 5 background alphabets each, which are known by their files'
      content because no checksum is published; or the 242 characters of both (`small`), where Greek and Latin, which
      are the same in the two archives, are read once.
    size: the 105 x 105 pixels are resized by PIL's antialiased Lanczos filter.
    """

    version = 1
    source = "Lake, Salakhutdinov, Tenenbaum 2015, Science 350, https://github.com/brendenlake/omniglot"
    torchvision_name = "Omniglot"
    files: ClassVar[Mapping[str, str]] = {
        ARCHIVES["background"]: "68d2efa1b9178cc56df9314c21c6e718",
        ARCHIVES["evaluation"]: "6b91aef0f799c5bb55b94e3f2daec811",
        ARCHIVES["small1"]: "",
        ARCHIVES["small2"]: "",
    }

    part: Literal["background", "evaluation", "small1", "small2", "small"] = "background"
    size: Count = 28
    content: str = field(default="", metadata=COMPUTED)  # SHA-256 of the archives that have no published checksum

    def needed_files(self) -> Mapping[str, str]:
        parts = ("small1", "small2") if self.part == "small" else (self.part,)
        return {ARCHIVES[part]: self.files[ARCHIVES[part]] for part in parts}

    def resolved(self, root: Path | None) -> Self:
        hashes = [digest(located(name, root)) for name, md5 in self.needed_files().items() if not md5]
        if len(hashes) > 1:
            return replace(self, content=hashlib.sha256(" ".join(hashes).encode()).hexdigest())
        return replace(self, content=hashes[0] if hashes else "")

    def identity(self) -> dict[str, str]:
        return {} if all(self.needed_files().values()) else known_content(self, self.content)

    def space(self, root: Path | None) -> Space:
        return Space((1, self.size, self.size), CLASSES[self.part])

    def load(self, root: Path | None) -> Data:
        place = self.checked(root)
        chosen = _each_alphabet_once([place / name for name in self.needed_files()])
        x = torch.cat([read_images(archive, Form(self.size, 1), names) for archive, names in chosen.items()])
        y = labels([name for names in chosen.values() for name in names])
        return data_of(self.space(root), completed({"train": Split(x, y)}, " and ".join(map(str, chosen))))

    def download(self, root: Path) -> None:
        prefix = self.torchvision().download_url_prefix
        self.download_from({name: f"{prefix}/{Path(name).name}" for name in self.files}, root)


def _each_alphabet_once(archives: list[Path]) -> dict[Path, list[str]]:
    """The images of each archive, without those of alphabets that an earlier archive has."""
    chosen: dict[Path, list[str]] = {}
    for archive in archives:
        known = {_alphabet(name) for names in chosen.values() for name in names}
        chosen[archive] = [name for name in listed(archive) if _alphabet(name) not in known]
    return chosen


def _alphabet(image: str) -> str:
    """The alphabet in a name ALPHABET/CHARACTER/IMAGE, which stands below the archive's own folder."""
    return PurePosixPath(image).parts[-3]
