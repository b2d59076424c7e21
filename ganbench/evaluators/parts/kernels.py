"""Sums of Gaussian kernels over pairs of samples, and the distance that bandwidths are measured in."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ganbench.evaluators.base import FeatureName, View
from ganbench.evaluators.parts.distances import Block
from ganbench.evaluators.parts.products import are_wide, within

FIRST = 1000  # real samples from which the median distance is computed


def gaussian_sum(distances: Iterable[Block], widths: list[float]) -> float:
    """The sum over all pairs of the mean kernel exp(-||x - y||^2 / (2 s^2)); a sample paired with itself counts 1."""
    total = sum((block.squares * (-0.5 / s**2)).exp_().sum().item() for block in distances for s in widths)
    return total / len(widths)


def median_distance(x: Tensor) -> float:
    """The median Euclidean distance between two different samples of x (n, d)."""
    return torch.pdist(x.double()).median().item()


def median_of(reals: View, name: FeatureName) -> float:
    """The median distance between the features of the first 1000 samples."""
    x = reals.features(name)[:FIRST]
    if not are_wide(2 * len(reals), x.shape[1]):
        return median_distance(x)
    squares = within(reals, name).squares[: len(x), : len(x)]
    return squares[tuple(torch.triu_indices(len(x), len(x), 1))].median().sqrt().item()
