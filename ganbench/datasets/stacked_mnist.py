"""Three MNIST digits in one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganbench.component import Count
from ganbench.datasets.base import Data, Dataset, Downloadable, Space
from ganbench.datasets.mnist import MNIST
from ganbench.datasets.parts.drawn import CLASSES, DEPTH, drawn, stacked


@dataclass(frozen=True, kw_only=True)
class StackedMNIST(Dataset, Downloadable):
    """Images (3, 28, 28) of three random digits, one per channel: 1000 modes. Digits a, b, c have label 100a + 10b + c.

    Each split is stacked from the same split of MNIST; validation and test have 10,000 images each.

    images: a number draws batches from that many fixed images (128,000, which take 300 MB, in PacGAN's VEEGAN setting);
      None draws new images for every batch (the unrolled GAN's setting).
    """

    version = 1
    source = "Metz et al. 2017, arXiv:1611.02163 (unrolled GAN); Lin et al. 2018, arXiv:1712.04086 (PacGAN)"

    images: Count | None = 128_000

    def space(self, root: Path | None) -> Space:
        return Space((DEPTH, 28, 28), CLASSES, stacked=DEPTH)

    def load(self, root: Path | None) -> Data:
        return drawn(self.space(root), MNIST().load(root), stacked, self.images or 128_000, fresh=self.images is None)

    def fetch(self, root: Path) -> None:
        MNIST().fetch(root)

    def check(self, root: Path | None) -> None:
        MNIST().check(root)
