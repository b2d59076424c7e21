"""Virtual batch norm: a sample is normalised by a fixed reference batch and itself, so no sample sees another."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn


class VirtualBatchNorm(nn.Module):
    """Per feature of (r + n, c) or channel of (r + n, c, h, w), of which the first r are the reference, with a gain
    and an offset.

    A sample's mean and mean square are those of itself, over its pixels, and of the reference in the shares 1 and r of
    r + 1; the reference has its own. Salimans et al. 2016, arXiv:1606.03498, section 3.5, and the authors' code.
    """

    eps = 1e-5

    def __init__(self, features: int, reference: int) -> None:
        super().__init__()
        self.reference = reference
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        r = self.reference
        pixels = x.reshape(len(x), x.shape[1], -1)
        share = torch.cat([x.new_zeros(r), x.new_full((len(x) - r,), 1 / (r + 1))])[:, None, None]
        own = torch.stack([pixels.mean(2, keepdim=True), pixels.square().mean(2, keepdim=True)])
        mean, square = share * own + (1 - share) * own[:, :r].mean(1, keepdim=True)
        deviation = ((square - mean.square()).clamp(min=0) + self.eps).sqrt()
        normal: Tensor = (pixels - mean) / deviation
        return (self.weight[:, None] * normal + self.bias[:, None]).reshape(x.shape)


class Referred(nn.Module):
    """G with virtual batch norm, (n, z) -> (n, *shape): the reference latents, drawn once, go through it each time."""

    reference: Tensor  # (r, z)

    def __init__(self, net: nn.Module, reference: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("reference", reference)

    def forward(self, z: Tensor) -> Tensor:
        made: Tensor = self.net(torch.cat([self.reference, z]))
        return made[len(self.reference) :]


def reference(size: int, z: int, prior: Literal["normal", "uniform"]) -> Tensor:
    """A reference batch (size, z) of latents from N(0, 1) or U(-1, 1), before an objective makes codes of them."""
    return torch.randn(size, z) if prior == "normal" else torch.rand(size, z) * 2 - 1
