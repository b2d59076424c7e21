"""Minibatch discrimination: a layer of D that sees how alike the samples of a batch are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganbench.component import Count, Index
from ganbench.networks.base import Network
from ganbench.networks.parts.layers import blank


class MinibatchDiscrimination(nn.Module):
    """f (n, k) -> (n, k + B): [f, o] with o_b(i) = sum over j of exp(-|M_ib - M_jb|_1), where M = f T is (n, B, C).

    Salimans et al. 2016, arXiv:1606.03498, section 3.2. With `own` the sum runs over the whole batch as in the paper;
    without, it leaves out j = i as the authors' code does. The code's bias of o, its weight norm and its
    initialisation by data are left out.
    """

    def __init__(self, features: int, *, kernels: int, dims: int, own: bool) -> None:
        super().__init__()
        self.shape, self.own = (kernels, dims), own
        self.tensor = blank(nn.Linear, features, kernels * dims, bias=False)  # T as a matrix

    def forward(self, f: Tensor) -> Tensor:
        rows = self.tensor(f).reshape(len(f), *self.shape)
        distances = (rows[:, None] - rows[None]).abs().sum(3)  # (n, n, B)
        near = (-distances).exp().sum(1)
        return torch.cat([f, near if self.own else near - 1], 1)


@dataclass(frozen=True, kw_only=True)
class MinibatchNetwork(Network):
    """A pair whose D may have minibatch discrimination before its last layer. D's `features` come before it."""

    minibatch_kernels: Index = 0  # B of minibatch discrimination in D; 0 is none
    minibatch_dims: Count = 5  # C of each kernel
    minibatch_own: bool = True  # a sample counts among its neighbours; in the authors' code it doesn't

    def score(self, features: int) -> nn.Module:
        """D's last layer: (n, features) -> (n, 1)."""
        kernels = self.minibatch_kernels
        last = blank(nn.Linear, features + kernels, 1)
        if not kernels:
            return last
        near = MinibatchDiscrimination(features, kernels=kernels, dims=self.minibatch_dims, own=self.minibatch_own)
        return nn.Sequential(near, last)

    def mixing(self) -> str | None:
        return "minibatch discrimination in D" if self.minibatch_kernels else None
