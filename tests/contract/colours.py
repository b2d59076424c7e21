"""Large images for the networks that serve no small ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from ganbench.datasets.base import Data, Dataset, Space, Split
from ganbench.rng import stream


@dataclass(frozen=True, kw_only=True)
class Colours(Dataset):
    """Noise (3, 64, 64), four samples a split."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"

    def space(self, root: Path | None) -> Space:
        return Space((3, 64, 64))

    def load(self, root: Path | None) -> Data:
        x = torch.randint(256, (12, 3, 64, 64), generator=stream(0, "colours"), dtype=torch.uint8)
        return Data(self.space(root), *map(Split, x.split(4)))
