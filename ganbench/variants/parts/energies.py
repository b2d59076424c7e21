"""The reconstruction error of an auto-encoder, and the similarity of the codes of a batch."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ganbench.variants.base import Player

Energy = Literal["norm", "mse", "l1"]
EPS = 1e-8  # a code shorter than this counts as 0, without a direction


def energy(d: Player, x: Tensor, form: Energy) -> Tensor:
    """(n,): the Euclidean norm of D(x) - x, or the mean of its squares or of its absolute values over a sample."""
    error = (d.part("reconstruction", x) - x).flatten(1)
    if form == "norm":
        norm: Tensor = torch.linalg.vector_norm(error, dim=1)
        return norm
    return error.square().mean(1) if form == "mse" else error.abs().mean(1)


def pulling_away(codes: Tensor) -> Tensor:
    """The mean squared cosine over all ordered pairs of codes (n, k): 0 if all are orthogonal, 1 if all are parallel.

    Zhao et al. 2017, section 2.4. A pair with a code of 0 counts as orthogonal.
    """
    n = len(codes)
    directions = normalize(codes, dim=1, eps=EPS)
    squares = (directions @ directions.T).square()
    return (squares.sum() - squares.diagonal().sum()) / (n * (n - 1))
