"""The fully connected pair for semi-supervised learning, whose discriminator classifies."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import ADDED, Count, NonNegative
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.discriminators import CLASSIFIER, Classifier
from ganbench.networks.parts.dropout import GaussianNoise, before_linear_layers
from ganbench.networks.parts.labels import unlabelled
from ganbench.networks.parts.weight_norm import WeightNorm

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

D_STD = 0.1  # of the initial weights before weight norm


@dataclass(frozen=True, kw_only=True)
class ClassifierMLP(Network):
    """G: softplus layers, sigmoid pixels in [0, 1]. D: ReLU layers with Gaussian noise on their inputs, K logits.

    The defaults are those for MNIST, where `batchnorm` is `generator`. Weights are He's, and those of both last layers
    Glorot's. Latents are uniform, as in the authors' code.

    With `weight_norm`, as in that code: D's layers have weight norm, whose scales, fixed but for the last layer's, and
    offsets are set by the first batch; D's weights are N(0, 0.1). G's last layer has weight norm with scales that start
    at 1, its batch norm has no gains, and its weights are Glorot's. At 28x28 G then has 694,568 parameters and D
    1,538,770.
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
    weight_norm: bool = field(default=False, metadata=ADDED)

    def generator(self, space: Space) -> nn.Module:
        widths, gain = (self.z, *self.g_widths), not self.weight_norm
        hidden = nn.Sequential(*layers.hidden(widths, nn.Softplus, norm=self.g_batchnorm, gain=gain))
        weights.initialise(hidden, weights.glorot if self.weight_norm else weights.he)
        out = weights.initialise(layers.uninitialised(nn.Linear, widths[-1], math.prod(space.shape)), weights.glorot)
        last = WeightNorm(out, train_scale=True, from_data=False) if self.weight_norm else out
        squash = [nn.Sigmoid()] if space.is_image else []
        return nn.Sequential(hidden, last, *squash, nn.Unflatten(1, space.shape))

    def discriminator(self, space: Space) -> nn.Module:
        widths = (math.prod(space.shape), *self.d_widths)
        hidden = nn.Sequential(*layers.hidden(widths, nn.ReLU, norm=self.d_batchnorm))
        out = layers.uninitialised(nn.Linear, widths[-1], space.classes)
        for net, own in ((hidden, weights.he), (out, weights.glorot)):
            weights.initialise(net, weights.normal(D_STD) if self.weight_norm else own)
        noiseless = nn.Sequential(nn.Flatten(), *hidden.children(), out)
        *body, head = before_linear_layers(noiseless, GaussianNoise, first=self.pixel_noise, others=self.unit_noise)
        return Classifier(nn.Sequential(*map(self._normed, body)), self._normed(head, train_scale=True))

    def unsupported(self, space: Space) -> str | None:
        return unlabelled(self.kind(), space)

    def conflict(self, spec: RunSpec) -> str | None:
        if self.weight_norm and self.d_batchnorm:
            return "weight_norm replaces D's batch norm: use batchnorm none or generator"
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None

    def _normed(self, part: nn.Module, train_scale: bool = False) -> nn.Module:
        """Noise and a linear layer, the layer with weight norm if that is set; any other part as it is."""
        if not (self.weight_norm and isinstance(part, nn.Sequential)):
            return part
        noise, layer = part
        return nn.Sequential(noise, WeightNorm(layer, train_scale=train_scale, from_data=True))
