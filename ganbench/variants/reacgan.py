"""ReACGAN: the hinge GAN with a discriminator whose embeddings are near to their class and far from other samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from ganbench.component import Count, Fraction, NonNegative, Positive, Search
from ganbench.variants.base import Batch, DecisionBoundary, LossTerms, Players, Variant
from ganbench.variants.parts.scores import hinge


@dataclass(frozen=True, kw_only=True)
class ReACGAN(Variant):
    """L_D = E relu(1 - r) + E relu(1 + f) + w T(x), L_G = -E f + w T(G(z)), with the data-to-data cross-entropy T.

    T is `data_to_data`, of reals in D's loss and of fakes in G's. The defaults are the
    authors' for CIFAR-10, where the embeddings have 512 dimensions. `n_dis`: discriminator updates per step.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kang et al. 2021, arXiv:2111.01118, eq. 6, and the authors' code (PyTorch-StudioGAN)"
    needs: ClassVar[frozenset[str]] = frozenset({"score_and_embeddings"})

    weight: Annotated[NonNegative, Search(0.1, 10.0, log=True)] = 0.5
    margin: Fraction = 0.98  # of a sample and its class, as a cosine
    temperature: Positive = 0.5
    n_dis: Count = 1

    def d_loss(self, net: Players, batch: Batch) -> LossTerms:
        real = embedded(net.d.part("score_and_embeddings", batch.x))
        return hinge(real=real.score, fake=net.d(net.g(batch.z))) | {"class": self._class(real, batch)}

    def g_loss(self, net: Players, batch: Batch) -> LossTerms:
        fake = embedded(net.d.part("score_and_embeddings", net.g(batch.z)))
        return {"fake": -fake.score.mean(), "class": self._class(fake, batch)}

    def decision_boundary(self) -> DecisionBoundary:
        return DecisionBoundary(flat=1.0)

    def d_steps(self, step: int) -> int:
        return self.n_dis

    def _class(self, d: Embedded, batch: Batch) -> Tensor:
        """w T."""
        assert batch.y is not None  # because such a network is conditional
        return self.weight * data_to_data(d, batch.y, margin=self.margin, temperature=self.temperature)


@dataclass(frozen=True)
class Embedded:
    """D's raw scores (n,), its embeddings of samples (n, e) and those of their classes (n, e), of length 1."""

    score: Tensor
    own: Tensor
    proxy: Tensor


def embedded(output: Tensor) -> Embedded:
    """D's `score_and_embeddings` (n, 1 + 2 e), taken apart."""
    own, proxy = output[:, 1:].chunk(2, 1)
    return Embedded(output[:, 0], own, proxy)


def data_to_data(d: Embedded, y: Tensor, *, margin: float, temperature: float) -> Tensor:
    """E [log(e^{a_i} + sum_j e^{s_ij}) - a_i], summed over the samples j of other classes than y_i.

    a_i = min(f_i . v_i - m, 0) / t for a sample f_i and its class v_i, and s_ij = max(f_i . f_j - (1 - m), 0) / t for
    two samples, with the `margin` m and the `temperature` t: samples nearer to their class, or farther from samples of
    other classes, than the margins are no better for it. Kang et al. 2021, arXiv:2111.01118, eq. 6, where the second
    margin is a number of its own; 1 - m is that of the authors' code. The code divides the sum over j by the largest
    e^{s_ij} and not e^{a_i} too; here it is the equation.
    """
    attraction = ((d.own * d.proxy).sum(1) - margin).clamp(max=0) / temperature
    likeness = (d.own @ d.own.t() - (1 - margin)).clamp(min=0) / temperature
    other = y[:, None] != y[None, :]
    repulsion = torch.where(other, likeness, -torch.inf)
    return (torch.cat([attraction[:, None], repulsion], 1).logsumexp(1) - attraction).mean()
