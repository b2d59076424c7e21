"""Minibatch discrimination: a layer of D that measures how similar the samples of a batch are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganbench.component import Count, Index
from ganbench.networks.parts.layers import uninitialised
from ganbench.networks.parts.packing import PackedNetwork


class MinibatchDiscrimination(nn.Module):
    """f (n, k) -> (n, k + B): [f, o] with o_b(i) = sum over j of exp(-|M_ib - M_jb|_1), where M = f T is (n, B, C).

    Salimans et al. 2016, arXiv:1606.03498, section 3.2. With `own` the sum runs over the whole batch, as in the paper;
    without it the sum leaves out j = i, as in the authors' code. The code's bias of o, weight norm and data-dependent
    initialisation are left out.
    """

    def __init__(self, features: int, *, kernels: int, dims: int, own: bool) -> None:
        super().__init__()
        self.shape, self.own = (kernels, dims), own
        self.tensor = uninitialised(nn.Linear, features, kernels * dims, bias=False)  # T as a matrix

    def forward(self, f: Tensor) -> Tensor:
        rows = self.tensor(f).reshape(len(f), *self.shape)
        distances = (rows[:, None] - rows[None]).abs().sum(3)  # (n, n, B)
        closeness = (-distances).exp().sum(1)
        return torch.cat([f, closeness if self.own else closeness - 1], 1)


@dataclass(frozen=True, kw_only=True)
class MinibatchNetwork(PackedNetwork):
    """A pair whose D may have minibatch discrimination before its last layer. D's `features` come before it."""

    minibatch_kernels: Index = 0  # B of minibatch discrimination in D; 0 is none
    minibatch_dims: Count = 5  # C of each kernel
    minibatch_own: bool = True  # a sample counts as its own neighbour; in the authors' code it doesn't

    def score(self, features: int) -> nn.Module:
        """D's last layer: (n, features) -> (n, 1)."""
        kernels = self.minibatch_kernels
        last = uninitialised(nn.Linear, features + kernels, 1)
        if not kernels:
            return last
        own = self.minibatch_own
        return nn.Sequential(
            MinibatchDiscrimination(features, kernels=kernels, dims=self.minibatch_dims, own=own), last
        )

    def mixing(self) -> str | None:
        return "minibatch discrimination in D" if self.minibatch_kernels else None
