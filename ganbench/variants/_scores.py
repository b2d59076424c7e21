"""Loss terms that several objectives share, as functions of raw scores."""

from __future__ import annotations

from torch.nn.functional import softplus

from ganbench.variants.base import Batch, Players, Terms


def logistic_d(net: Players, batch: Batch) -> Terms:
    """Cross-entropy of D's logits: E sp(-r) + E sp(f) with sp(t) = log(1 + e^t), which never overflows."""
    return {"real": softplus(-net.d(batch.x)).mean(), "fake": softplus(net.d(net.g(batch.z))).mean()}


def critic_g(net: Players, batch: Batch) -> Terms:
    """-E f: raise the critic's score of the fakes."""
    return {"fake": -net.d(net.g(batch.z)).mean()}
