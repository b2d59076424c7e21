"""The fully connected pair of the first GAN paper, for images in [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.discriminators import FEATURES, Discriminator
from ganbench.networks.parts.dropout import Dropout, Include, before_linear_layers
from ganbench.networks.parts.spaces import described

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class MaxoutMLP(Network):
    """G: ReLU layers and sigmoid pixels in [0, 1]. D: maxout layers, a unit is the largest of `pieces` linear ones.

    The defaults are those for MNIST. Latents have unit variance as in the authors' code: G multiplies uniform ones by
    sqrt(3). D's layers have dropout on their inputs in training, in G's updates too. G's last bias starts at 0, not at
    the data's marginals as in the paper.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661, section 5 and the authors' code for MNIST"
    parts: ClassVar[frozenset[str]] = FEATURES
    pixel_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    prior: Literal["normal", "uniform"] = "uniform"
    g_widths: tuple[Count, ...] = (1200, 1200)
    d_widths: tuple[Count, ...] = (240, 240)
    pieces: Count = 5
    g_bound: Positive = 0.05  # of the uniform initial weights
    d_bound: Positive = 0.005
    pixel_include: Include = 0.8  # the probability that D's dropout keeps a pixel; 1 is no dropout
    unit_include: Include = 0.5  # and a hidden unit

    def generator(self, space: Space) -> nn.Module:
        widths = (self.z, *self.g_widths)
        unit_variance = [layers.Divide(math.sqrt(1 / 3))] if self.prior == "uniform" else []
        hidden = layers.hidden(widths, nn.ReLU, norm=self.g_batchnorm)
        out = layers.uninitialised(nn.Linear, widths[-1], math.prod(space.shape))
        net = nn.Sequential(*unit_variance, *hidden, out, nn.Sigmoid(), nn.Unflatten(1, space.shape))
        return weights.initialise(net, weights.uniform(self.g_bound))

    def discriminator(self, space: Space) -> nn.Module:
        widths = (math.prod(space.shape), *self.d_widths)
        maxout = layers.hidden(widths, lambda: layers.Maxout(self.pieces), norm=self.d_batchnorm, pieces=self.pieces)
        out = layers.uninitialised(nn.Linear, widths[-1], 1)
        net = Discriminator(nn.Flatten(), *maxout, out, nn.Flatten(0))
        weights.initialise(net, weights.uniform(self.d_bound))
        return before_linear_layers(net, Dropout, first=self.pixel_include, others=self.unit_include)

    def unsupported(self, space: Space) -> str | None:
        return None if space.is_image else f"maxout_mlp makes pixels, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None
