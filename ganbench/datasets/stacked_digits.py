"""Three small digits in one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganbench.component import Count
from ganbench.datasets.base import Data, Dataset, Space
from ganbench.datasets.digits import Digits
from ganbench.datasets.parts.drawn import CLASSES, DEPTH, drawn, stacked


@dataclass(frozen=True, kw_only=True)
class StackedDigits(Dataset):
    """Images (3, 8, 8) of three random digits, one per channel: 1000 modes. Digits a, b, c have label 100a + 10b + c.

    A small version of stacked MNIST that needs no files. Each split is stacked from the same split of `digits`;
    validation and test have 10,000 images each.

    images: a number draws batches from that many fixed images; None draws new images for every batch.
    """

    version = 1
    source = "as Metz et al. 2017, arXiv:1611.02163 (unrolled GAN), with the digits in scikit-learn"

    images: Count | None = 50_000

    def space(self, root: Path | None) -> Space:
        return Space((DEPTH, 8, 8), CLASSES, stacked=DEPTH)

    def load(self, root: Path | None) -> Data:
        return drawn(self.space(root), Digits().load(root), stacked, self.images or 50_000, self.images is None)
