"""k-means by scikit-learn: Lloyd's algorithm from k-means++ centres, in float64, seeded."""

from __future__ import annotations

import warnings

import torch
from torch import Generator, Tensor

from ganbench.evaluators.parts.distances import distances_memory, square_distances

ROUNDS = 100  # at most; the algorithm ends when no sample changes its cluster


def k_means(x: Tensor, k: int, rng: Generator) -> Tensor:
    """Centres (k, d), float64, for rows x (n, d). One thread: the last digits would depend on the number of threads."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    seed = int(torch.randint(2**31 - 1, (), generator=rng))
    rows = x.to(torch.float64, copy=True).numpy()
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct samples than clusters
        fitted = KMeans(k, n_init=1, max_iter=ROUNDS, tol=0, random_state=seed, copy_x=False).fit(rows)
    return torch.from_numpy(fitted.cluster_centers_)


def k_means_memory(n: int, k: int, d: int) -> int:
    """Bytes that k-means of n rows in d dimensions and the assignment to its centres take."""
    return 8 * (2 * n + 8 * k) * d + distances_memory((k,), d)


def assign(x: Tensor, centres: Tensor, device: str = "cpu") -> Tensor:
    """The index of the nearest centre for each row x (n, d): (n,)."""
    return torch.cat([block.argmin(1).cpu() for block in square_distances(x, centres, device)])
