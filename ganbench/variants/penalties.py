"""Gradient penalties: pure functions of the discriminator at some points."""

from __future__ import annotations

from torch import Tensor
from torch.func import grad

from ganbench.variants.base import Player


def input_gradient(d: Player, x: Tensor) -> Tensor:
    """The gradient of each sample's score with respect to that sample: the shape of x.

    Summed scores give per-sample gradients as long as samples don't see each other: no batch norm in D.
    """
    gradient: Tensor = grad(lambda inputs: d(inputs).sum())(x)
    return gradient


def gradient_norm(d: Player, x: Tensor, eps: float = 1e-12) -> Tensor:
    """Euclidean norms (n,) of the per-sample input gradients; `eps` under the root keeps its derivative finite at 0."""
    return (input_gradient(d, x).flatten(1).square().sum(1) + eps).sqrt()


def unit_norm_penalty(d: Player, x: Tensor) -> Tensor:
    """E (||grad D(x)||_2 - 1)^2, the two-sided penalty of WGAN-GP."""
    return (gradient_norm(d, x) - 1).square().mean()


def interpolate(real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """share * real + (1 - share) * fake, one `share` (n,) a sample."""
    weight = share.reshape(-1, *[1] * (real.dim() - 1))
    return weight * real + (1 - weight) * fake
