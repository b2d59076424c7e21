"""The small handwritten digits that come with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ganbench.datasets.base import Data, Labelled, Space, Split
from ganbench.datasets.parts.splits import data_of, set_aside, told


@dataclass(frozen=True, kw_only=True)
class Digits(Labelled):
    """1797 images (1, 8, 8) of ten digits, 0..16 stretched to 0..255; 1197 to train, 300 validation, 300 test.

    The splits are the same in every run and hold every digit in its share.
    """

    version = 1
    source = "Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits (test part), in scikit-learn"

    def space(self, root: Path | None) -> Space:
        return Space((1, 8, 8), classes=10)

    def load(self, root: Path | None) -> Data:
        from sklearn.datasets import load_digits  # here, because importing scikit-learn takes seconds

        bunch = load_digits()
        x = torch.from_numpy(bunch.images).mul(255 / 16).round().to(torch.uint8)[:, None]
        y = torch.from_numpy(bunch.target).long()
        parts = set_aside(Split(x, y), {"validation": 300, "test": 300}, self.kind())
        return told(data_of(self.space(root), parts), self)
