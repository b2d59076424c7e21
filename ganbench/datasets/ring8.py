"""Eight Gaussians on a ring."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch

from ganbench.component import Count, Positive
from ganbench.datasets.base import Data, Dataset, Modes, Space
from ganbench.datasets.parts.mixtures import mixture_data


@dataclass(frozen=True, kw_only=True)
class Ring8(Dataset):
    """Points (2,) of a mixture of Gaussians with one standard deviation, evenly spaced on a circle from (0, radius) on.

    layout: `exact` has eight modes of equal weight. The other two follow published code that spreads n angles over
      [0, 2 pi] with both ends included, so that the first mode occurs twice: `mao9` (LSGAN, n = 9) has eight modes, one
      of weight 2/9; `poolio8` (unrolled GAN, n = 8) has seven modes, one of weight 2/8.
    radius, std: 1 and 0.01 in LSGAN's and PacGAN's code, 1.414 and 0.01414 in WGAN-GP's.
    points: None draws new points for every batch; a number draws batches from that many fixed points (PacGAN: 100,000).
    """

    version = 1
    source = "Mao et al. 2017, arXiv:1611.04076, section 4 (authors' code); Lin et al. 2018, arXiv:1712.04086"
    has_modes: ClassVar[bool] = True

    layout: Literal["exact", "mao9", "poolio8"] = "exact"
    radius: Positive = 1.0
    std: Positive = 0.01
    points: Count | None = None

    def space(self, root: Path | None) -> Space:
        return Space((2,))

    def load(self, root: Path | None) -> Data:
        return mixture_data(self._modes(), self.points)

    def _modes(self) -> Modes:
        distinct = 7 if self.layout == "poolio8" else 8
        angle = torch.arange(distinct, dtype=torch.float64) * (2 * math.pi / distinct)
        centres = self.radius * torch.stack([angle.sin(), angle.cos()], dim=1)
        times = torch.ones(distinct, dtype=torch.float64)
        times[0] = 1 if self.layout == "exact" else 2
        return Modes(centres=centres.float(), std=self.std, weights=times / times.sum())
