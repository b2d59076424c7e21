"""Batch norm, layer norm and virtual batch norm. All of them work under `torch.func` transforms."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Callable[[int], nn.Module]  # makes a normalisation of that many features or channels

# reasons that networks return from `conflict`
BATCH_OF_ONE = "batch norm after a linear layer can't normalise a batch of 1: use a batch of at least 2"
LAYER_AND_BATCH_NORM = "layer_norm replaces D's batch norm: use batchnorm none or generator"
VIRTUAL_AND_BATCH_NORM = "virtual_norm replaces G's batch norm: use batchnorm none or discriminator"


class BatchNorm(nn.Module):
    """Batch norm per feature of (n, c) or per channel of (n, c, h, w), with an offset and, unless it is off, a `gain`.

    In training it normalises by the batch and moves the running statistics by `momentum` (TensorFlow's decay 0.9); in
    evaluation it normalises by the running statistics. Unlike torch's own it does not count batches: the count is
    changed in place, which `torch.func.grad` refuses.
    """

    eps = 1e-5
    momentum = 0.1

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, *, gain: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features)) if gain else None
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor) -> Tensor:
        running = (self.running_mean, self.running_var)
        return F.batch_norm(x, *running, self.weight, self.bias, self.training, self.momentum, self.eps)


def layer_norm(channels: int) -> nn.Module:
    """Layer norm over all channels and pixels of a sample, with a gain and an offset per channel.

    WGAN-GP's discriminators have it instead of batch norm. Ba et al. 2016, arXiv:1607.06450.
    """
    return nn.GroupNorm(1, channels)


class VirtualBatchNorm(nn.Module):
    """Normalises each sample by a fixed reference batch and itself, so that no sample depends on another.

    Per feature of (r + n, c) or per channel of (r + n, c, h, w), with a gain and an offset; the first r rows are the
    reference batch. A sample's mean and mean square are weighted averages: its own, over its pixels, has the weight
    1 / (r + 1), and the reference batch's has r / (r + 1). The reference batch is normalised by its own. Salimans et
    al. 2016, arXiv:1606.03498, section 3.5, and the authors' code.
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


class WithReferenceBatch(nn.Module):
    """G with virtual batch norm, (n, z) -> (n, *shape): each pass also takes the reference latents through G."""

    reference: Tensor  # (r, z)

    def __init__(self, net: nn.Module, reference: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("reference", reference)

    def forward(self, z: Tensor) -> Tensor:
        made: Tensor = self.net(torch.cat([self.reference, z]))
        return made[len(self.reference) :]


def reference_latents(size: int, z: int, prior: Literal["normal", "uniform"]) -> Tensor:
    """A reference batch (size, z) of latents from N(0, 1) or U(-1, 1). An objective's codes are not put into it."""
    return torch.randn(size, z) if prior == "normal" else torch.rand(size, z) * 2 - 1


def norm(*, batch: bool, layer: bool = False, virtual: int = 0) -> Norm | None:
    """Layer norm, virtual batch norm with a reference batch of `virtual` latents, batch norm, or none."""
    if layer:
        return layer_norm
    if virtual:
        return partial(VirtualBatchNorm, reference=virtual)
    return BatchNorm if batch else None
