"""House numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Lt

from ganbench.datasets.base import Space, Split
from ganbench.datasets.parts.published import PublishedSplits


@dataclass(frozen=True, kw_only=True)
class SVHN(PublishedSplits):
    """99,289 images (3, 32, 32) of digits in house numbers, cropped around one digit; the digit 0 is class 0.

    The splits are the published ones, of 73,257 and 26,032 images, without the extra training images. The validation
    split is taken from the end of the training images.

    validation: the number of training images set aside for validation, the last ones.
    train: `all`: training also draws from the validation images, as in most papers.
    """

    version = 1
    source = "Netzer et al. 2011, Reading Digits in Natural Images with Unsupervised Feature Learning"
    torchvision_name = "SVHN"
    files: ClassVar[Mapping[str, str]] = {
        "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
        "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
    }

    validation: Annotated[int, Ge(1), Lt(73_257)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((3, 32, 32), classes=10)

    def read_split(self, place: Path, train: bool) -> Split:
        source = self.torchvision()(place, split="train" if train else "test", download=False)
        return Split(torch.from_numpy(np.ascontiguousarray(source.data)), torch.from_numpy(source.labels))

    def download(self, root: Path) -> None:
        addresses = {name: url for url, name, _ in self.torchvision().split_list.values()}
        self.download_from({name: addresses[name] for name in self.files}, root)
