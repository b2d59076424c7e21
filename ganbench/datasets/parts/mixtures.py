"""Data of Gaussian mixtures."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganbench.datasets.base import Data, Modes, Space, Split, SplitName
from ganbench.datasets.parts.splits import Parts, data_of
from ganbench.rng import stream

HELD_OUT = 10_000  # points of the validation split, and of the test split


def sample(modes: Modes, n: int, generator: torch.Generator) -> Tensor:
    """n independent points (n, d) of the mixture in float32."""
    index = torch.multinomial(modes.weights, n, replacement=True, generator=generator)
    noise = torch.randn(n, modes.centres.shape[1], generator=generator, dtype=torch.float32)
    return modes.centres[index] + modes.std * noise


def mixture_data(modes: Modes, points: int | None) -> Data:
    """Splits that are the same in every run. Batches come from `points` fixed points, or are new points (None)."""
    sizes: dict[SplitName, int] = {"train": points or HELD_OUT, "validation": HELD_OUT, "test": HELD_OUT}
    splits: Parts = {name: Split(sample(modes, n, stream(0, "mixture", name))) for name, n in sizes.items()}
    fresh = (lambda n, generator: Split(sample(modes, n, generator))) if points is None else None
    return replace(data_of(Space((modes.centres.shape[1],)), splits), fresh=fresh, modes=modes)
