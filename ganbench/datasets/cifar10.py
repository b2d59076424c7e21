"""Small colour photographs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt

from ganbench.datasets.base import Space
from ganbench.datasets.parts.published import PublishedSplits


@dataclass(frozen=True, kw_only=True)
class CIFAR10(PublishedSplits):
    """60,000 images (3, 32, 32) of ten kinds of animals and vehicles.

    The splits are the published ones. The validation split is taken from the end of the training images.

    validation: the number of training images set aside for validation, the last ones.
    train: `all`: training also draws from the validation images, as in most papers.
    """

    version = 1
    source = "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images"
    torchvision_name = "CIFAR10"
    files: ClassVar[Mapping[str, str]] = {
        "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
        "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
        "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
        "cifar-10-batches-py/batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    }

    validation: Annotated[int, Ge(1), Lt(50_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((3, 32, 32), classes=10)
