"""Mirror images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from torch import Tensor

from ganbench.augmentations.base import flipped
from ganbench.augmentations.parts.images import ImageAugmentation
from ganbench.component import Fraction, Search
from ganbench.variants.base import Draw

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.variants.base import Batch


@dataclass(frozen=True, kw_only=True)
class Flip(ImageAugmentation):
    """Each image is mirrored left to right with probability `p`, independently of the others."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao et al. 2020, Image augmentations for GAN training, arXiv:2006.02595, section 3"

    p: Annotated[Fraction, Search(0.0, 1.0)] = 0.5

    def transformed(self, x: Tensor, batch: Batch) -> Tensor:
        return flipped(x, batch.noise["flip"] < self.p)

    def draws(self, n: int, space: Space) -> dict[str, Draw]:
        return {"flip": Draw((n,), "uniform")}
