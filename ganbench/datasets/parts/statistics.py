"""Statistics of features in `.npz` files of ADM, EDM, pytorch-fid and others: `mu` (k,) and `sigma` (k, k)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganbench.datasets.parts.arrays import STATISTICS, headers, read_array
from ganbench.errors import RequestError

MEAN_AND_COVARIANCE = ("mu", "sigma")  # ADM's further ones, mu_s and sigma_s, are of features that few programs use


class Statistics(NamedTuple):
    """A mean (k,) and a covariance (k, k), float64."""

    mu: Tensor
    sigma: Tensor


def holds_statistics(place: Path) -> bool:
    """Whether an array file holds a mean and a covariance, and no samples."""
    names = headers(place).keys()
    return set(MEAN_AND_COVARIANCE) <= names <= STATISTICS


def read_statistics(place: Path) -> Statistics:
    """The mean and covariance. Raises `RequestError` if they aren't those of real numbers."""
    mu, sigma = (read_array(place, name) for name in MEAN_AND_COVARIANCE)
    if mu.dtype.kind != "f" or sigma.dtype.kind != "f" or mu.ndim != 1 or sigma.shape != (len(mu), len(mu)):
        given = f"'mu' is {mu.dtype} {mu.shape} and 'sigma' is {sigma.dtype} {sigma.shape}"
        raise RequestError(str(place), given, "floats (k,) and (k, k)", "save the mean and the covariance of features")
    if not np.isfinite(mu).all() or not np.isfinite(sigma).all():
        raise RequestError(str(place), "some statistics are not finite", "finite numbers", "compute them again")
    if not np.allclose(sigma, sigma.T, rtol=1e-3, atol=1e-6 * float(np.abs(sigma).max())):
        raise RequestError(str(place), "'sigma' is not symmetric", "a covariance", "compute it again")
    return Statistics(*(torch.from_numpy(part.astype(np.float64)) for part in (mu, (sigma + sigma.T) / 2)))
