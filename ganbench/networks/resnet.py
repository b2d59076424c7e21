"""The very deep residual pair of WGAN-GP's difficult architectures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation
from ganbench.networks.parts.discriminators import FEATURES, Discriminator
from ganbench.networks.parts.residual import bottleneck, conv, initialise_residual
from ganbench.networks.parts.spaces import HALVED, described, halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class ResNet(Network):
    """Bottleneck blocks: `blocks` at each side, one fewer at the image's side, and one between two sides.

    With 6 blocks at 64x64, G and D have 101 layers each, not counting those of shortcuts. The smallest map has 8 times
    `width` channels, each next one half as many. G begins with a linear layer and ends with a convolution of kernel 1,
    D the other way round; the output is divided by 5, in G before the tanh. Batch norm ends each block.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Gulrajani et al. 2017, arXiv:1704.00028, figure 2 and the authors' code"
    parts: ClassVar[frozenset[str]] = FEATURES

    z: Count = 128
    width: Count = 64
    blocks: Count = 6
    layer_norm: bool = False  # in D, instead of batch norm

    def generator(self, space: Space) -> nn.Module:
        sides, norm = halvings(side(space)), normalisation.norm(batch=self.g_batchnorm)
        channels, base = self._channels(sides), sides[-1]
        stack: list[nn.Module] = [
            layers.uninitialised(nn.Linear, self.z, channels[0] * base * base),
            nn.Unflatten(1, (channels[0], base, base)),
        ]
        for inputs, outputs in pairwise(channels):
            stack += [bottleneck(inputs, inputs, "none", norm) for _ in range(self.blocks)]
            stack.append(bottleneck(inputs, outputs, "up", norm))
        stack += [bottleneck(channels[-1], channels[-1], "none", norm) for _ in range(self.blocks - 1)]
        image = conv(channels[-1], space.shape[0], 1)
        return initialise_residual(nn.Sequential(*stack, image, layers.Divide(5), nn.Tanh()))

    def discriminator(self, space: Space) -> nn.Module:
        sides, norm = halvings(side(space)), normalisation.norm(batch=self.d_batchnorm, layer=self.layer_norm)
        channels = self._channels(sides)[::-1]
        stack = [conv(space.shape[0], channels[0], 1)]
        stack += [bottleneck(channels[0], channels[0], "none", norm) for _ in range(self.blocks - 1)]
        for inputs, outputs in pairwise(channels):
            stack.append(bottleneck(inputs, outputs, "down", norm))
            stack += [bottleneck(outputs, outputs, "none", norm) for _ in range(self.blocks)]
        score = nn.Sequential(layers.uninitialised(nn.Linear, channels[-1] * sides[-1] ** 2, 1), layers.Divide(5))
        return initialise_residual(Discriminator(*stack, nn.Flatten(), score, nn.Flatten(0)))

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return None
        return f"resnet takes {HALVED}, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.LAYER_AND_BATCH_NORM if self.layer_norm and self.d_batchnorm else None

    def _channels(self, sides: tuple[int, ...]) -> tuple[int, ...]:
        """The channels of the map of each side, the smallest map first."""
        return tuple(max(8 * self.width // 2**stage, 1) for stage in range(len(sides)))
