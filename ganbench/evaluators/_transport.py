"""Optimal transport on a line, exact for any two numbers of samples."""

from __future__ import annotations

import torch
from torch import Tensor


def line_cost(x: Tensor, y: Tensor, p: int) -> Tensor:
    """W_p^p between the columns of x (n, k) and y (m, k), each a set of equally weighted numbers: (k,).

    The integral of |F^-1 - G^-1|^p over the n + m - 1 pieces at most on which both quantile functions are constant.
    """
    n, m = len(x), len(y)
    ends = torch.cat([torch.arange(1, n + 1) * m, torch.arange(1, m + 1) * n]).sort().values  # in units of 1 / (n m)
    sizes = ends.diff(prepend=ends.new_zeros(1))
    ends, sizes = ends[sizes > 0], sizes[sizes > 0]
    rows, columns = ((ends - 1) // side for side in (m, n))
    gaps = x.sort(0).values[rows.to(x.device)] - y.sort(0).values[columns.to(x.device)]
    return gaps.abs().pow(p).T @ (sizes.to(gaps) / (n * m))
