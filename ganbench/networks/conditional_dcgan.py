"""DCGAN's conditional pair, in which every layer takes the label."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Fraction, Positive
from ganbench.networks.base import Network
from ganbench.networks.parts import convolutions, layers, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel, double, halve
from ganbench.networks.parts.discriminators import FEATURES
from ganbench.networks.parts.labels import ConditionalStages, unlabelled
from ganbench.networks.parts.normalisation import Norm
from ganbench.networks.parts.spaces import HALVED, described, halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

KERNEL = Kernel(5)


@dataclass(frozen=True, kw_only=True)
class ConditionalDCGAN(Network):
    """`dcgan` with a layer of `units` between the score or latent and the convolutions, and the label in every layer.

    The one-hot label is concatenated to the input of every layer of both networks: as features of a linear layer, as
    constant channels of a convolution. The image is halved as in `dcgan`. The output of G is a sigmoid. Batch norm
    follows every layer but G's last and D's first and last; a layer before it has no bias.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Radford et al. 2016, arXiv:1511.06434, the authors' code for conditional MNIST"
    parts: ClassVar[frozenset[str]] = FEATURES
    conditional: ClassVar[bool] = True
    pixel_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 64  # channels of the layer next to the image; each next layer has twice as many, up to 8 times
    units: Count = 1024
    leak: Fraction = 0.2  # slope of D's leaky ReLU below 0
    init_std: Positive = 0.02  # of the weights, and of the batch norm gains around 1

    def generator(self, space: Space) -> nn.Module:
        sides, (image, *hidden), label = halvings(side(space)), self._channels(space), space.classes
        norm, top = normalisation.norm(batch=self.g_batchnorm), hidden[-1] * sides[-1] ** 2
        stages = [
            self._linear(self.z + label, self.units, nn.ReLU(), norm),
            nn.Sequential(
                self._linear(self.units + label, top, nn.ReLU(), norm), nn.Unflatten(1, (hidden[-1], *sides[-1:] * 2))
            ),
        ]
        for (inputs, outputs), size in zip(pairwise(reversed(hidden)), reversed(sides[1:-1]), strict=True):
            rest = layers.activated(nn.ReLU(), outputs, norm)
            stages.append(nn.Sequential(*double(KERNEL, size, inputs + label, outputs, norm is None), *rest))
        last = nn.Sequential(*double(KERNEL, sides[0], hidden[0] + label, image), nn.Sigmoid())
        return self._initialise(ConditionalStages(label, [*stages, last]))

    def discriminator(self, space: Space) -> nn.Module:
        sides, channels, label = halvings(side(space)), self._channels(space), space.classes
        norm, stages = normalisation.norm(batch=self.d_batchnorm), []
        for stage, (inputs, outputs) in enumerate(pairwise(channels)):
            own = norm if stage else None
            convolution = halve(KERNEL, sides[stage], inputs + label, outputs, own is None)
            stages.append(nn.Sequential(*convolution, *layers.activated(nn.LeakyReLU(self.leak), outputs, own)))
        flat = channels[-1] * sides[-1] ** 2
        stages[-1].append(nn.Flatten())
        stages.append(self._linear(flat + label, self.units, nn.LeakyReLU(self.leak), norm))
        score = nn.Sequential(layers.uninitialised(nn.Linear, self.units + label, 1), nn.Flatten(0))
        return self._initialise(ConditionalStages(label, [*stages, score]))

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return unlabelled(self.kind(), space)
        other = "conditional_mlp" if space.classes >= 2 else "mlp"
        return f"conditional_dcgan takes {HALVED}, with labels, not {described(space)}: use {other}"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None

    def _channels(self, space: Space) -> tuple[int, ...]:
        return convolutions.dcgan_stages(space, self.width, KERNEL).channels

    def _linear(self, inputs: int, units: int, activation: nn.Module, norm: Norm | None) -> nn.Sequential:
        layer = layers.uninitialised(nn.Linear, inputs, units, bias=norm is None)
        return nn.Sequential(layer, *layers.activated(activation, units, norm))

    def _initialise(self, net: nn.Module) -> nn.Module:
        return weights.initialise(net, weights.normal(self.init_std), gain_std=self.init_std)
