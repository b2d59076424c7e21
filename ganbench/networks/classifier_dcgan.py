"""DCGAN's convolutional pair with a discriminator that classifies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Fraction, Positive
from ganbench.networks.base import Network
from ganbench.networks.parts import convolutions, layers, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel
from ganbench.networks.parts.discriminators import CLASSIFIER, Classifier
from ganbench.networks.parts.dropout import Dropout, Include
from ganbench.networks.parts.labels import unlabelled
from ganbench.networks.parts.spaces import HALVED, described, halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class ClassifierDCGAN(Network):
    """The strided convolutions of `dcgan`; D ends in K logits and has dropout on its pixels and its last units.

    The paper's G for CIFAR-10 is of this kind, with `batchnorm: generator`. The paper's D has nine convolutions with
    weight norm; D here has DCGAN's convolutions instead.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Salimans et al. 2016, arXiv:1606.03498, section 5; Radford et al. 2016, arXiv:1511.06434"
    parts: ClassVar[frozenset[str]] = CLASSIFIER

    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 64
    kernel: Literal[3, 4, 5] = 5
    leak: Fraction = 0.2  # slope of D's leaky ReLU below 0
    pixel_include: Include = 0.8  # the probability that D's dropout keeps a pixel; 1 is no dropout
    unit_include: Include = 0.5  # and a unit before the logits
    init_std: Positive = 0.02  # of the weights, and of the batch norm gains around 1

    def generator(self, space: Space) -> nn.Module:
        net = convolutions.generator(self._stages(space), self.z, normalisation.norm(batch=self.g_batchnorm))
        return self._initialise(net)

    def discriminator(self, space: Space) -> nn.Module:
        logits = partial(layers.uninitialised, nn.Linear, out_features=space.classes)
        net = convolutions.discriminator(self._stages(space), normalisation.norm(batch=self.d_batchnorm), logits)
        *body, head, _ = self._initialise(net).children()
        pixels, units = Dropout(self.pixel_include), Dropout(self.unit_include)
        return Classifier(nn.Sequential(pixels, *body), nn.Sequential(units, head))

    def unsupported(self, space: Space) -> str | None:
        if space.classes and not halvings(side(space)):
            return f"classifier_dcgan takes {HALVED}, not {described(space)}: use classifier_mlp"
        return unlabelled(self.kind(), space)

    def _initialise(self, net: nn.Module) -> nn.Module:
        return weights.initialise(net, weights.normal(self.init_std), gain_std=self.init_std)

    def _stages(self, space: Space) -> convolutions.Stages:
        stages = convolutions.dcgan_stages(space, self.width, Kernel(self.kernel))
        return replace(stages, leak=self.leak)
