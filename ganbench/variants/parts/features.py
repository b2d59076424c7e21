"""Distances between what a discriminator sees in data and in fakes."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

Distance = Literal["squared", "mean_squared", "mean_absolute"]


def gap(real: Tensor, fake: Tensor, distance: Distance) -> Tensor:
    """The distance of the batch means of features (n, k): the sum or mean of squares, or the mean of absolute values.

    Feature matching. Salimans et al. 2016, arXiv:1606.03498, section 3.1.
    """
    difference = real.mean(0) - fake.mean(0)
    if distance == "mean_absolute":
        return difference.abs().mean()
    return difference.square().sum() if distance == "squared" else difference.square().mean()
