"""Twenty-five Gaussians on a square grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from ganbench.component import Count, Positive
from ganbench.datasets.base import Data, Dataset, Modes, Space
from ganbench.datasets.parts.mixtures import mixture_data


@dataclass(frozen=True, kw_only=True)
class Grid25(Dataset):
    """Points (2,) of 25 Gaussians of equal weight with centres in {-4, -2, 0, 2, 4}^2.

    std: the standard deviation before scaling.
    scale: multiplies the centres and the standard deviation; 0.35361 gives WGAN-GP's toy data (divided by 2.828).
    points: None draws new points for every batch; a number draws batches from that many fixed points (PacGAN: 100,000).
    """

    version = 1
    source = "Lin et al. 2018, arXiv:1712.04086 (PacGAN), section 4.1; Gulrajani et al. 2017, arXiv:1704.00028 (scaled)"
    has_modes: ClassVar[bool] = True

    std: Positive = 0.05
    scale: Positive = 1.0
    points: Count | None = None

    def space(self, root: Path | None) -> Space:
        return Space((2,))

    def load(self, root: Path | None) -> Data:
        line = torch.arange(-4.0, 5.0, 2.0, dtype=torch.float64)
        centres = self.scale * torch.cartesian_prod(line, line)
        weights = torch.full((25,), 1 / 25, dtype=torch.float64)
        return mixture_data(Modes(centres=centres.float(), std=self.scale * self.std, weights=weights), self.points)
