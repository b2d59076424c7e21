"""Gradient penalties: pure functions of the discriminator at some points."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor
from torch.func import grad

from ganbench.variants.base import Player

if TYPE_CHECKING:
    from ganbench.spec import RunSpec


class Scored(NamedTuple):
    """D's raw scores (n,) of samples x, and the gradient of each score by its own sample, in the shape of x."""

    score: Tensor
    gradient: Tensor


def scored(d: Player, x: Tensor) -> Scored:
    """Scores and input gradients of one pass through D.

    The gradient of the summed scores holds the per-sample gradients only if samples don't affect each other's scores:
    D must have no batch norm.
    """

    def total(inputs: Tensor) -> tuple[Tensor, Tensor]:
        score = d(inputs)
        return score.sum(), score

    gradient, score = grad(total, has_aux=True)(x)
    return Scored(score, gradient)


def input_gradient_conflict(spec: RunSpec) -> str | None:
    """Why a run can't have a penalty on the discriminator's input gradient, and what to change; None if it can."""
    if spec.network.d_batchnorm:
        return (
            "its penalty needs each sample's own gradient, which batch norm in D mixes; use batchnorm none or generator"
        )
    if mixing := spec.network.mixing():
        return f"its penalty needs each sample's own gradient, which {mixing} mixes; use a discriminator without it"
    return None


def squared_norm(gradient: Tensor) -> Tensor:
    """Squared Euclidean norms (n,) of per-sample gradients, summed over all dimensions of a sample."""
    return gradient.flatten(1).square().sum(1)


def gradient_norm(d: Player, x: Tensor, eps: float = 1e-12) -> Tensor:
    """Euclidean norms (n,) of the per-sample input gradients; `eps` under the root keeps its derivative finite at 0."""
    return (squared_norm(scored(d, x).gradient) + eps).sqrt()


def unit_norm_penalty(d: Player, x: Tensor) -> Tensor:
    """E (||grad D(x)||_2 - 1)^2, the two-sided penalty of WGAN-GP."""
    return (gradient_norm(d, x) - 1).square().mean()


def interpolate(real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """share * real + (1 - share) * fake, with one `share` (n,) per sample."""
    weight = _per_sample(share, real)
    return weight * real + (1 - weight) * fake


def displace(x: Tensor, *, noise: Tensor, share: Tensor) -> Tensor:
    """x + share * noise, with one `share` (n,) per sample: points around x."""
    return x + _per_sample(share, x) * noise


def _per_sample(share: Tensor, x: Tensor) -> Tensor:
    """(n,) reshaped so that it multiplies the samples of x."""
    return share.reshape(-1, *[1] * (x.dim() - 1))
