"""The small handwritten digits in scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from ganbench.datasets.base import Data, Labelled, Space, Split
from ganbench.datasets.parts.splits import data_of, set_aside, with_few_labels


@dataclass(frozen=True, kw_only=True)
class Digits(Labelled):
    """1797 images (1, 8, 8) of ten digits, with levels 0..16 scaled to 0..255.

    There are 1197 training, 300 validation and 300 test images. The splits are the same in every run and hold every
    digit in proportion.
    """

    version = 1
    source = "Alpaydin and Kaynak 1998, UCI Optical Recognition of Handwritten Digits (test part), in scikit-learn"

    def space(self, root: Path | None) -> Space:
        return Space((1, 8, 8), classes=10)

    def load(self, root: Path | None) -> Data:
        table = torch.from_numpy(np.loadtxt(_file(), delimiter=","))
        x = table[:, :-1].reshape(-1, 1, 8, 8).mul(255 / 16).round().to(torch.uint8)
        y = table[:, -1].long()
        parts = set_aside(Split(x, y), {"validation": 300, "test": 300}, self.kind())
        return with_few_labels(data_of(self.space(root), parts), self)


def _file() -> Path:
    """The table that scikit-learn's `load_digits` reads, found without importing scikit-learn, which takes seconds."""
    package = find_spec("sklearn")
    assert package is not None and package.origin is not None, "scikit-learn is a dependency of ganbench"
    return Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
