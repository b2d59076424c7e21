"""Data of any shape, for networks that serve neither points nor small images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from ganbench.datasets.base import Data, Dataset, Space, Split
from ganbench.rng import stream


@dataclass(frozen=True, kw_only=True)
class Noise(Dataset):
    """Images of that shape, four a split, with labels of two classes."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"

    shape: tuple[int, ...]

    def space(self, root: Path | None) -> Space:
        return Space(self.shape, classes=2)

    def load(self, root: Path | None) -> Data:
        x = torch.randint(256, (12, *self.shape), generator=stream(0, "noise"), dtype=torch.uint8)
        return Data(self.space(root), *(Split(part, torch.arange(4) % 2) for part in x.split(4)))
