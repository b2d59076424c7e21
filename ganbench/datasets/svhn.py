"""House numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Lt

from ganbench.datasets.base import Data, Downloadable, Labelled, Space, Split
from ganbench.datasets.parts.splits import told
from ganbench.datasets.parts.torchvision import Published, checked, fetch_from, parted, source_of

PUBLISHED = Published(
    kind="svhn",
    name="SVHN",
    files={
        "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
        "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
    },
)


@dataclass(frozen=True, kw_only=True)
class SVHN(Labelled, Downloadable):
    """99,289 images (3, 32, 32) of digits in house numbers, cropped around one digit; the digit 0 is class 0.

    The published 26,032 to test; the published 73,257 training images, less those for validation, to train. The extra
    training images are left out.

    validation: how many of the last training images are set aside.
    """

    version = 1
    source = "Netzer et al. 2011, Reading Digits in Natural Images with Unsupervised Feature Learning"

    validation: Annotated[int, Ge(1), Lt(73_257)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((3, 32, 32), classes=10)

    def load(self, root: Path | None) -> Data:
        place = checked(PUBLISHED, root)
        train, test = (_split(place, part) for part in ("train", "test"))
        return told(parted(self.space(root), train, test, self.validation), self)

    def fetch(self, root: Path) -> None:
        urls = {name: url for url, name, _ in source_of(PUBLISHED).split_list.values() if name in PUBLISHED.files}
        fetch_from(urls, PUBLISHED, root)

    def check(self, root: Path | None) -> None:
        checked(PUBLISHED, root)


def _split(place: Path, part: str) -> Split:
    source = source_of(PUBLISHED)(place, split=part, download=False)
    return Split(torch.from_numpy(np.ascontiguousarray(source.data)), torch.from_numpy(source.labels))
