"""k-means by Lloyd's rule from k-means++ centres, in float64, seeded."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from ganbench.evaluators._distances import square_distances
from ganbench.evaluators._neighbours import nearest

ROUNDS = 100  # of Lloyd's rule at most; it ends when no sample changes its cluster


def k_means(x: Tensor, k: int, rng: Generator, device: str = "cpu") -> Tensor:
    """Centres (k, d), float64, for rows x (n, d). A cluster that loses all its samples keeps its centre."""
    centres, labels = _spread(x, k, rng, device), None
    rows = x.double()
    for _ in range(ROUNDS):
        found = assign(x, centres, device)
        if labels is not None and torch.equal(found, labels):
            break
        labels, counts = found, torch.bincount(found, minlength=k)
        sums = torch.zeros_like(centres).index_add_(0, labels, rows)
        centres = torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), centres)
    return centres


def assign(x: Tensor, centres: Tensor, device: str = "cpu") -> Tensor:
    """The nearest centre of each row x (n, d), by number (n,)."""
    return torch.cat([block.argmin(1).cpu() for block in square_distances(x, centres, device)])


def _spread(x: Tensor, k: int, rng: Generator, device: str) -> Tensor:
    """k-means++ (Arthur & Vassilvitskii 2007): each further one with chance as its squared distance to the others."""
    chosen = [int(torch.randint(len(x), (), generator=rng))]
    squares = nearest(x, x[chosen], device=device).squares[:, 0]
    while len(chosen) < k:
        chances = squares if squares.sum() > 0 else torch.ones_like(squares)
        chosen.append(int((chances.cumsum(0) > torch.rand((), generator=rng) * chances.sum()).float().argmax()))
        squares = torch.minimum(squares, nearest(x, x[chosen[-1:]], device=device).squares[:, 0])
    return x[chosen].double()
