"""No augmentation: the default of the axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from ganbench.augmentations.base import Augmentation

if TYPE_CHECKING:
    from ganbench.variants.base import Batch


@dataclass(frozen=True, kw_only=True)
class NoAugmentation(Augmentation):
    """The samples as they are. A run with it is the same run as one without an augmentation."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "none"

    def transformed(self, x: Tensor, batch: Batch) -> Tensor:
        return x
