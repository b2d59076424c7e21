"""Handwritten characters of many alphabets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

import torch

from ganbench.component import Count
from ganbench.datasets.base import Data, Dataset, Downloadable, Space, Split
from ganbench.datasets.parts.files import data_root, located
from ganbench.datasets.parts.images import Form, content, labels, listed, read_images
from ganbench.datasets.parts.splits import completed, data_of
from ganbench.datasets.parts.torchvision import Published, checked, fetch_from, source_of

ARCHIVES = {
    "background": "omniglot-py/images_background.zip",
    "evaluation": "omniglot-py/images_evaluation.zip",
    "small1": "omniglot/images_background_small1.zip",
    "small2": "omniglot/images_background_small2.zip",
}
CLASSES = {"background": 964, "evaluation": 659, "small1": 136, "small2": 156, "small": 242}
PUBLISHED = Published(
    kind="omniglot",
    name="Omniglot",
    files={
        ARCHIVES["background"]: "68d2efa1b9178cc56df9314c21c6e718",
        ARCHIVES["evaluation"]: "6b91aef0f799c5bb55b94e3f2daec811",
        ARCHIVES["small1"]: "",
        ARCHIVES["small2"]: "",
    },
)


@dataclass(frozen=True, kw_only=True)
class Omniglot(Dataset, Downloadable):
    """Images (1, size, size) of characters in many alphabets, black ink on white, drawn once by each of 20 people.

    Each character is a class. For each 16 images to train, 2 for validation, 2 to test: the same in every run.

    part: 964 characters of the 30 `background` alphabets, 659 of the 20 of the `evaluation`; or 136 and 156 characters
      of 5 background alphabets each, known by their files' content because no checksum of them is published; or the
      242 of both (`small`), whose Greek and Latin, the same in the two archives, are read once.
    size: the 105 x 105 pixels are resized by PIL's antialiased Lanczos filter.
    """

    version = 1
    source = "Lake, Salakhutdinov, Tenenbaum 2015, Science 350, https://github.com/brendenlake/omniglot"

    part: Literal["background", "evaluation", "small1", "small2", "small"] = "background"
    size: Count = 28

    def identity(self) -> dict[str, str]:
        hashes = [content(located(name, data_root())) for name in self._archives if not PUBLISHED.files[name]]
        if len(hashes) > 1:
            return {"content": hashlib.sha256(" ".join(hashes).encode()).hexdigest()}
        return {"content": hashes[0]} if hashes else {}

    def space(self, root: Path | None) -> Space:
        return Space((1, self.size, self.size), CLASSES[self.part])

    def load(self, root: Path | None) -> Data:
        chosen = _each_alphabet_once(self._checked(root))
        x = torch.cat([read_images(place, Form(self.size, 1), names) for place, names in chosen.items()])
        y, _ = labels([name for names in chosen.values() for name in names])
        return data_of(self.space(root), completed({"train": Split(x, y)}, " and ".join(map(str, chosen))))

    def fetch(self, root: Path) -> None:
        prefix = source_of(PUBLISHED).download_url_prefix
        fetch_from({name: f"{prefix}/{Path(name).name}" for name in PUBLISHED.files}, PUBLISHED, root)

    def check(self, root: Path | None) -> None:
        self._checked(root)

    @property
    def _archives(self) -> tuple[str, ...]:
        return tuple(ARCHIVES[part] for part in (("small1", "small2") if self.part == "small" else (self.part,)))

    def _checked(self, root: Path | None) -> list[Path]:
        """The archives of the part."""
        place = checked(replace(PUBLISHED, files={name: PUBLISHED.files[name] for name in self._archives}), root)
        return [place / name for name in self._archives]


def _each_alphabet_once(archives: list[Path]) -> dict[Path, list[str]]:
    """The images of each archive, but for those of alphabets that an earlier one has."""
    chosen: dict[Path, list[str]] = {}
    for archive in archives:
        known = {_alphabet(name) for names in chosen.values() for name in names}
        chosen[archive] = [name for name in listed(archive) if _alphabet(name) not in known]
    return chosen


def _alphabet(image: str) -> str:
    """ALPHABET/CHARACTER/IMAGE, below the archive's own folder."""
    return PurePosixPath(image).parts[-3]
