"""Frequency bands, noise and cutout: the last three groups of adaptive discriminator augmentation.

Each has draws of its own by the name of its group, so that a run without a group draws what it always drew. Images that
a group spares stay as they are, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganbench.variants.base import Draw

# The paper's appendix B: standard deviations of the logarithm (to the base 2) of a band's gain and of the noise's
# strength, the side of the covered rectangle as a share of the image's, and the expected power of natural images (1/f).
GAIN = 1.0
NOISE = 0.1
COVERED = 0.5
POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)
# H(z) H(1/z) / 2 of the wavelet sym2, which has closed form, from z^-3 to z^3.
LOWPASS = np.array([-1, 0, 9, 16, 9, 0, -1]) / 32

Array = np.ndarray[Any, np.dtype[np.float64]]
GROUPS = ("filter", "rgb_noise", "cutout")


def draws_of(group: str, n: int, shape: tuple[int, ...]) -> dict[str, Draw]:
    """The random numbers of a group for n images of this shape."""
    bands = len(POWER)
    return {
        "filter": {"on": Draw((n, bands), "uniform"), "gain": Draw((n, bands), "normal")},
        "rgb_noise": {
            "on": Draw((n,), "uniform"), "strength": Draw((n,), "normal"), "values": Draw((n, *shape), "normal"),
        },
        "cutout": {"on": Draw((n,), "uniform"), "centre": Draw((n, 2), "uniform")},
    }[group]  # fmt: skip


def corrupted(group: str, x: Tensor, noise: Mapping[str, Tensor], chance: Tensor) -> Tensor:
    """Images (n, c, h, w) after a group whose steps have this probability; `noise` holds its draws by their names."""
    on = noise["on"] < chance
    if group == "filter":
        return _filtered(x, on, noise["gain"])
    if group == "rgb_noise":
        strength = torch.where(on, NOISE * noise["strength"].abs(), 0)
        return x + strength[:, None, None, None] * noise["values"]
    across, down = (_near(x.shape[axis], noise["centre"][:, i]) for i, axis in enumerate((3, 2)))
    covered = (on[:, None, None] & down[:, :, None] & across[:, None, :])[:, None]
    return x.masked_fill(covered, 0)


def _filtered(x: Tensor, on: Tensor, normal: Tensor) -> Tensor:
    """Images whose frequency bands, from low to high, are amplified where `on` (n, bands) is true.

    After each gain all bands are divided by the root of the power that an image of the expected spectrum then has.
    """
    power = torch.tensor(POWER).to(x)
    gains = torch.ones_like(normal)
    for band in range(len(POWER)):
        alone = torch.where(torch.arange(len(POWER), device=x.device) == band, (GAIN * normal).exp2(), 1)
        scale = (power * alone.square()).sum(1, keepdim=True).sqrt()
        gains = torch.where(on[:, band, None], gains * alone / scale, gains)
    down, across = (
        torch.einsum("nb,bij->nij", gains, _bands(size).to(x))[:, None] for size in (x.shape[2], x.shape[3])
    )
    return torch.where(on.any(1)[:, None, None, None], down @ x @ across.mT, x)


def _near(size: int, centre: Tensor) -> Tensor:
    """(n, size): the pixels of a side whose middle is less than half a rectangle from a centre in [0, 1]."""
    middle = (torch.arange(size, device=centre.device) + 0.5) / size
    return (middle - centre[:, None]).abs() < COVERED / 2


@cache
def _bands(size: int) -> Tensor:
    """(bands, size, size): each band of a row of pixels, as a matrix. Rows are mirrored beyond their ends."""
    taps = _filters()
    reach, period = taps.shape[1] // 2, max(2 * size - 2, 1)
    matrix = np.zeros((len(taps), size, size))
    for row in range(size):
        for tap in range(-reach, reach + 1):
            place = (row + tap) % period
            matrix[:, row, min(place, period - place)] += taps[:, tap + reach]
    return torch.tensor(matrix)


def _filters() -> Array:
    """(bands, taps), from low to high, with the sum 1 at the middle tap: an octave each but for the lowest."""
    signs = np.array([-1, 1, -1, 1, -1, 1, -1])
    low, high, bands = LOWPASS, LOWPASS * signs, []
    passed = np.ones(1)
    for octave in range(len(POWER) - 1):
        bands.append(np.convolve(passed, _stretched(high, 2**octave)))
        passed = np.convolve(passed, _stretched(low, 2**octave))
    reach = len(passed) // 2
    return np.stack([np.pad(band, reach - len(band) // 2) for band in (passed, *reversed(bands))])


def _stretched(taps: Array, by: int) -> Array:
    """Taps with by - 1 zeros between neighbours."""
    spread = np.zeros(by * (len(taps) - 1) + 1)
    spread[::by] = taps
    return spread
