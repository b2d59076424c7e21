"""The fully connected pair for semi-supervised learning, whose discriminator classifies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, NonNegative
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.discriminators import CLASSIFIER, Classifier
from ganbench.networks.parts.dropout import GaussianNoise, before_linear_layers
from ganbench.networks.parts.labels import unlabelled

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class ClassifierMLP(Network):
    """G: softplus layers, sigmoid pixels in [0, 1]. D: ReLU layers with Gaussian noise on their inputs, K logits.

    The defaults are those for MNIST, where `batchnorm` is `generator`. Weight norm and its data-dependent
    initialisation are left out: weights are He's, and those of both last layers Glorot's. Latents are uniform, as in
    the authors' code.
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
        hidden = nn.Sequential(*layers.hidden(widths, nn.Softplus, norm=self.g_batchnorm))
        weights.initialise(hidden, weights.he)
        out = weights.initialise(layers.uninitialised(nn.Linear, widths[-1], math.prod(space.shape)), weights.glorot)
        squash = [nn.Sigmoid()] if space.is_image else []
        return nn.Sequential(hidden, out, *squash, nn.Unflatten(1, space.shape))

    def discriminator(self, space: Space) -> nn.Module:
        widths = (math.prod(space.shape), *self.d_widths)
        hidden = nn.Sequential(*layers.hidden(widths, nn.ReLU, norm=self.d_batchnorm))
        weights.initialise(hidden, weights.he)
        out = weights.initialise(layers.uninitialised(nn.Linear, widths[-1], space.classes), weights.glorot)
        noiseless = nn.Sequential(nn.Flatten(), *hidden.children(), out)
        *body, head = before_linear_layers(noiseless, GaussianNoise, first=self.pixel_noise, others=self.unit_noise)
        return Classifier(nn.Sequential(*body), head)

    def unsupported(self, space: Space) -> str | None:
        return unlabelled(self.kind(), space)

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None
