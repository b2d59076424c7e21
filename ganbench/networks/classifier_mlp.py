"""The fully connected pair of semi-supervised learning, whose discriminator tells classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, NonNegative
from ganbench.networks.base import Network
from ganbench.networks.parts import layers as layers
from ganbench.networks.parts.classifier import CLASSIFIER, Classifier
from ganbench.networks.parts.dropout import GaussianNoise, disturbed
from ganbench.networks.parts.labels import unlabelled

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class ClassifierMLP(Network):
    """G: softplus layers, sigmoid pixels in [0, 1]. D: ReLU layers with Gaussian noise on what each sees, K logits.

    The defaults are those for MNIST, where `batchnorm` is `generator`. Two things are left out, weight norm and its
    initialisation by data: weights are He's, and the last ones of both Glorot's. A latent is uniform as in the code.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Salimans et al. 2016, arXiv:1606.03498, section 5 and the authors' code for MNIST"
    parts: ClassVar[frozenset[str]] = CLASSIFIER
    pixel_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    prior: Literal["normal", "uniform"] = "uniform"
    g_widths: tuple[Count, ...] = (500, 500)
    d_widths: tuple[Count, ...] = (1000, 500, 250, 250, 250)
    pixel_noise: NonNegative = 0.3  # standard deviations of the noise on D's input, in training
    unit_noise: NonNegative = 0.5  # and on its hidden units

    def generator(self, space: Space) -> nn.Module:
        widths = (self.z, *self.g_widths)
        hidden = layers.initialise(nn.Sequential(*layers.hidden(widths, nn.Softplus, norm=self.g_batchnorm)), layers.he)
        out = layers.initialise(layers.blank(nn.Linear, widths[-1], math.prod(space.shape)), layers.glorot)
        squash = [nn.Sigmoid()] if space.is_image else []
        return nn.Sequential(hidden, out, *squash, nn.Unflatten(1, space.shape))

    def discriminator(self, space: Space) -> nn.Module:
        widths = (math.prod(space.shape), *self.d_widths)
        hidden = layers.initialise(nn.Sequential(*layers.hidden(widths, nn.ReLU, norm=self.d_batchnorm)), layers.he)
        out = layers.initialise(layers.blank(nn.Linear, widths[-1], space.classes), layers.glorot)
        quiet = nn.Sequential(nn.Flatten(), *hidden.children(), out)
        *body, head = disturbed(quiet, GaussianNoise, first=self.pixel_noise, others=self.unit_noise)
        return Classifier(nn.Sequential(*body), head)

    def unsupported(self, space: Space) -> str | None:
        return unlabelled(self.kind(), space)

    def conflict(self, spec: RunSpec) -> str | None:
        return layers.SINGLE if self.batchnorm != "none" and spec.batch < 2 else None
