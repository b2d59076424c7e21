"""Generated samples and the real ones that are nearest to them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.samples.sources import Sides

ROWS = 1024  # real samples compared at once


class Pairs(NamedTuple):
    """Generated samples and, row by row, the nearest real ones; both as they rest."""

    generated: Tensor
    real: Tensor


def pairs(sides: Sides, count: int) -> Pairs:
    """`count` generated samples, evenly spaced, with the nearest real ones by the Euclidean distance of pixels.

    These are from the training split where there is one, as a model may have memorised it; else from the reference.
    """
    n = min(count, len(sides.fake))
    generated = sides.fake.x[torch.arange(n) * len(sides.fake) // n]
    split = sides.real.train if len(sides.real.train) else sides.real.test
    return Pairs(generated, split.x[nearest(generated, split.x)])


def nearest(samples: Tensor, real: Tensor) -> Tensor:
    """The row of the real sample nearest to each sample; the first of equals."""
    flat = samples.flatten(1).double()
    best = torch.full((len(flat),), float("inf"), dtype=torch.float64)
    row = torch.zeros(len(flat), dtype=torch.int64)
    for start in range(0, len(real), ROWS):
        block = real[start : start + ROWS].flatten(1).double()
        distance, index = torch.cdist(flat, block, compute_mode="donot_use_mm_for_euclid_dist").min(1)
        closer = distance < best
        best[closer], row[closer] = distance[closer], index[closer] + start
    return row
