"""Discriminators that use the label of a sample (n,): by a projection, a classifier or embeddings of the classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganbench.networks.parts.discriminators import FEATURES, Discriminator
from ganbench.networks.parts.labels import one_hot
from ganbench.networks.parts.layers import uninitialised

LabelUse = Literal["none", "projection", "classifier", "embeddings"]

# a reason that networks return from `conflict`
NEEDS_BATCH_NORM = "the labels enter G by batch norm: use batchnorm generator or both"

# a network's `parts` by how its D uses labels
PARTS: dict[LabelUse, frozenset[str]] = {
    "none": FEATURES,
    "projection": FEATURES,
    "classifier": FEATURES | {"score_and_logits"},
    "embeddings": FEATURES | {"score_and_embeddings"},
}


@dataclass(frozen=True)
class HeadSizes:
    """The numbers of a discriminator's features and of the classes, and the dimensions of its embeddings."""

    features: int
    classes: int
    embedding: int


class ConditionalDiscriminator(nn.Module, ABC):
    """Raw scores (n,) of samples x (n, *shape), which `score` makes of the features (n, k) of `body`.

    Every method takes the labels y (n,) as well. Only `ProjectionDiscriminator` scores by them.
    """

    def __init__(self, body: nn.Module, score: nn.Module, sizes: HeadSizes) -> None:
        super().__init__()
        self.body, self.score, self.classes = body, score, sizes.classes
        self.add_heads(sizes)

    @abstractmethod
    def add_heads(self, sizes: HeadSizes) -> None:
        """Make the layers that read the features beside `score`."""

    def features(self, x: Tensor, y: Tensor) -> Tensor:
        """(n, *shape) -> (n, k)."""
        made: Tensor = self.body(x)
        return made

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        score: Tensor = self.score(self.features(x, y))
        return score.squeeze(1)


class ProjectionDiscriminator(ConditionalDiscriminator):
    """The score w . h + v_y . h of features h, with a vector v for each class.

    Miyato and Koyama 2018, arXiv:1802.05637, eq. 3 and figure 1d.
    """

    def add_heads(self, sizes: HeadSizes) -> None:
        self.projection = uninitialised(nn.Linear, sizes.classes, sizes.features, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = self.features(x, y)
        vector = self.projection(one_hot(y, self.classes, like=h))
        score: Tensor = self.score(h).squeeze(1) + (vector * h).sum(1)
        return score


class AuxiliaryClassifier(ConditionalDiscriminator):
    """Scores, and logits of the classes over the same features. Odena et al. 2017, arXiv:1610.09585, section 3."""

    def add_heads(self, sizes: HeadSizes) -> None:
        self.logits = uninitialised(nn.Linear, sizes.features, sizes.classes)

    def score_and_logits(self, x: Tensor, y: Tensor) -> Tensor:
        """(n, *shape) -> (n, 1 + classes): the raw score, then the logit of each class."""
        h = self.features(x, y)
        return torch.cat([self.score(h), self.logits(h)], 1)


class ClassEmbeddings(ConditionalDiscriminator):
    """Scores, and embeddings of the features and of the classes on the unit sphere.

    Kang et al. 2021, arXiv:2111.01118, section 3, and the authors' code.
    """

    def add_heads(self, sizes: HeadSizes) -> None:
        self.embedding = uninitialised(nn.Linear, sizes.features, sizes.embedding)
        self.proxies = uninitialised(nn.Linear, sizes.classes, sizes.embedding, bias=False)

    def score_and_embeddings(self, x: Tensor, y: Tensor) -> Tensor:
        """(n, *shape) -> (n, 1 + 2 e): the raw score, the sample's embedding, and that of its class."""
        h = self.features(x, y)
        own, proxy = self.embedding(h), self.proxies(one_hot(y, self.classes, like=h))
        return torch.cat([self.score(h), F.normalize(own, dim=1), F.normalize(proxy, dim=1)], 1)


KINDS: dict[LabelUse, type[ConditionalDiscriminator]] = {
    "projection": ProjectionDiscriminator,
    "classifier": AuxiliaryClassifier,
    "embeddings": ClassEmbeddings,
}


def discriminator(labels: LabelUse, body: list[nn.Module], sizes: HeadSizes, *, bias: bool) -> nn.Module:
    """The layers of `body`, which make features (n, k), and a linear layer that makes the scores (n,) of them."""
    score = uninitialised(nn.Linear, sizes.features, 1, bias=bias)
    if labels == "none":
        return Discriminator(*body, score, nn.Flatten(0))
    return KINDS[labels](nn.Sequential(*body), score, sizes)
