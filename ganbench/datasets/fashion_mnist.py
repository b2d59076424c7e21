"""Articles of clothing, in the format of MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt

from ganbench.datasets.base import Space
from ganbench.datasets.parts.published import PublishedSplits


@dataclass(frozen=True, kw_only=True)
class FashionMNIST(PublishedSplits):
    """70,000 images (1, 28, 28) of ten kinds of clothing.

    The splits are the published ones. The validation split is taken from the end of the training images.

    validation: the number of training images set aside for validation, the last ones.
    train: `all`: training also draws from the validation images, as in most papers.
    """

    version = 1
    source = "Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747"
    torchvision_name = "FashionMNIST"
    files: ClassVar[Mapping[str, str]] = {
        "FashionMNIST/raw/train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "FashionMNIST/raw/train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "FashionMNIST/raw/t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "FashionMNIST/raw/t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    }

    validation: Annotated[int, Ge(1), Lt(60_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((1, 28, 28), classes=10)
