"""Handwritten digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt

from ganbench.datasets.base import Space
from ganbench.datasets.parts.published import PublishedSplits


@dataclass(frozen=True, kw_only=True)
class MNIST(PublishedSplits):
    """70,000 images (1, 28, 28) of ten handwritten digits.

    The splits are the published ones. The validation split is taken from the end of the training images.

    validation: the number of training images set aside for validation, the last ones; 10,000 as in Goodfellow et al.
      2014.
    train: `all`: training also draws from the validation images, as in most papers.
    """

    version = 1
    source = "LeCun, Bottou, Bengio, Haffner 1998; http://yann.lecun.com/exdb/mnist"
    torchvision_name = "MNIST"
    files: ClassVar[Mapping[str, str]] = {
        "MNIST/raw/train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "MNIST/raw/train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "MNIST/raw/t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "MNIST/raw/t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }

    validation: Annotated[int, Ge(1), Lt(60_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((1, 28, 28), classes=10)
