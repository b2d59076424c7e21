"""How samples are shared out among bins: tests and divergences of counts."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def p_values(one: Tensor, other: Tensor) -> Tensor:
    """Two-tailed p-values (k,) of the pooled two-proportion z-test for each of k bins, from two sets of counts."""
    n, m = one.sum(), other.sum()
    pooled = (one + other) / (n + m)
    error = (pooled * (1 - pooled) * (1 / n + 1 / m)).sqrt()
    z = ((one / n - other / m) / error).nan_to_num(0)  # a bin with all samples, or none, differs in nothing
    return torch.erfc(z.abs() / math.sqrt(2))


def jensen_shannon(one: Tensor, other: Tensor) -> float:
    """The divergence in nats between two sets of counts (k,), as shares: 0 to log 2."""
    shares = torch.stack([one / one.sum(), other / other.sum()])
    entropies = torch.special.entr(shares).sum(1)
    found: float = (torch.special.entr(shares.mean(0)).sum() - entropies.mean()).item()
    return min(max(found, 0.0), math.log(2))
