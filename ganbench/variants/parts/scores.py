"""Loss terms that several objectives share, as functions of D's raw scores or features."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench.variants.base import Batch, LossTerms, Players

Reduction = Literal["half_mean", "mean", "half_sum"]
FeatureDistance = Literal["squared", "mean_squared", "mean_absolute"]


def logistic(*, real: Tensor, fake: Tensor, real_target: float = 1.0) -> LossTerms:
    """Cross-entropy of D's logits: E sp(-r) + E sp(f) with sp(t) = log(1 + e^t), which never overflows.

    A `real_target` t below 1 is one-sided label smoothing: t sp(-r) + (1 - t) sp(r), where sp(r) = sp(-r) + r.
    """
    smoothing = (1 - real_target) * real.mean() if real_target < 1 else 0.0
    return {"real": softplus(-real).mean() + smoothing, "fake": softplus(fake).mean()}


def logistic_d(net: Players, batch: Batch, real_target: float = 1.0) -> LossTerms:
    """The cross-entropy of D on a batch and on fakes from its latents."""
    return logistic(real=net.d(batch.x), fake=net.d(net.g(batch.z)), real_target=real_target)


def logistic_g(net: Players, batch: Batch, minimax_share: float = 0.0, target: float = 1.0) -> LossTerms:
    """E sp(-f), the non-saturating generator loss; a share s of the minimax loss gives (1 - s) E sp(-f) - s E sp(f).

    A `target` t below 1 replaces E sp(-f) by E [t sp(-f) + (1 - t) sp(f)].
    """
    fake = net.d(net.g(batch.z))
    saturating = minimax_share * softplus(fake).mean() if minimax_share > 0 else 0.0
    smoothing = (1 - target) * fake.mean() if target < 1 else 0.0
    return {"fake": (1 - minimax_share) * (softplus(-fake).mean() + smoothing) - saturating}


def hinge(*, real: Tensor, fake: Tensor) -> LossTerms:
    """E relu(1 - r) + E relu(1 + f)."""
    return {"real": relu(1 - real).mean(), "fake": relu(1 + fake).mean()}


def critic_g(net: Players, batch: Batch) -> LossTerms:
    """-E f: G raises the critic's score of the fakes."""
    return {"fake": -net.d(net.g(batch.z)).mean()}


def squared_distance(score: Tensor, label: float, reduction: Reduction) -> Tensor:
    """Half the mean, the mean, or half the sum of the squared distances of scores (n,) to a label."""
    squares = (score - label).square()
    if reduction == "half_sum":
        return squares.sum() / 2
    return squares.mean() if reduction == "mean" else squares.mean() / 2


def feature_distance(real: Tensor, fake: Tensor, distance: FeatureDistance) -> Tensor:
    """The distance of the batch means of features (n, k): the sum or mean of squares, or the mean of absolute values.

    Feature matching: Salimans et al. 2016, arXiv:1606.03498, section 3.1.
    """
    difference = real.mean(0) - fake.mean(0)
    if distance == "mean_absolute":
        return difference.abs().mean()
    return difference.square().sum() if distance == "squared" else difference.square().mean()
