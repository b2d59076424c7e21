"""Generated samples and their nearest real samples."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ganbench.samples.sources import ComparedSamples

NUMBERS = 2**23  # of real samples compared at once, in float64 (64 MiB)


class NearestPairs(NamedTuple):
    """Generated samples and, row by row, the nearest real ones; both at rest."""

    generated: Tensor
    real: Tensor


def nearest_pairs(samples: ComparedSamples, count: int) -> NearestPairs:
    """`count` generated samples, evenly spaced, with the nearest real ones by Euclidean distance of pixels.

    The real ones are training samples if there are any, since a model may have memorised those; else the reference.
    """
    n = min(count, len(samples.fake))
    generated = samples.fake.x[torch.arange(n) * len(samples.fake) // n]
    split = samples.real.train if len(samples.real.train) else samples.real.test
    return NearestPairs(generated, split.x[nearest_rows(generated, split.x)])


def nearest_rows(samples: Tensor, real: Tensor) -> Tensor:
    """The row of the real sample nearest to each sample; the first among equals."""
    flat = samples.flatten(1).double()
    best = torch.full((len(flat),), float("inf"), dtype=torch.float64)
    row = torch.zeros(len(flat), dtype=torch.int64)
    size = max(1, NUMBERS // max(flat.shape[1], len(flat)))
    for start in range(0, len(real), size):
        block = real[start : start + size].flatten(1).double()
        distance, index = torch.cdist(flat, block, compute_mode="donot_use_mm_for_euclid_dist").min(1)
        closer = distance < best
        best[closer], row[closer] = distance[closer], index[closer] + start
    return row
