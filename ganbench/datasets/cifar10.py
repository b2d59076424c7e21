"""Small colour photographs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Lt

from ganbench.datasets.base import Data, Downloadable, Labelled, Space
from ganbench.datasets.parts.splits import told
from ganbench.datasets.parts.torchvision import Published, checked, fetch, read

PUBLISHED = Published(
    kind="cifar10",
    name="CIFAR10",
    files={
        "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
        "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
        "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
        "cifar-10-batches-py/batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
)


@dataclass(frozen=True, kw_only=True)
class CIFAR10(Labelled, Downloadable):
    """60,000 images (3, 32, 32) of ten kinds of animals and vehicles.

    The published 10,000 to test; the published training images, less those for validation, to train.

    validation: how many of the last training images are set aside.
    """

    version = 1
    source = "Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images"

    validation: Annotated[int, Ge(1), Lt(50_000)] = 10_000

    def space(self, root: Path | None) -> Space:
        return Space((3, 32, 32), classes=10)

    def load(self, root: Path | None) -> Data:
        return told(read(PUBLISHED, root, self.space(root), self.validation), self)

    def fetch(self, root: Path) -> None:
        fetch(PUBLISHED, root)

    def check(self, root: Path | None) -> None:
        checked(PUBLISHED, root)
