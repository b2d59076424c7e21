"""A fully connected pair whose discriminator queries a memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.mlp import MLP
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.discriminators import QUERY, QueryDiscriminator

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class MemoryMLP(Network):
    """`mlp`'s generator with ReLU; in D leaky ReLU layers, then a query of `key` dimensions. He's initialisation.

    With `memory_gan` the first `key` of the z latents are a key of the memory, the others the noise. For points and
    small images; it is not from the paper, whose networks are convolutional.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "for memory_gan on points: Kim, Song and Kim 2018, arXiv:1803.01500, section 3"
    parts: ClassVar[frozenset[str]] = QUERY

    z: Count = 258
    prior: Literal["normal", "uniform"] = "uniform"
    key: Count = 256
    g_widths: tuple[Count, ...] = (128, 128)
    d_widths: tuple[Count, ...] = (128, 128)

    def generator(self, space: Space) -> nn.Module:
        g = MLP(z=self.z, g_widths=self.g_widths, g_activation="relu", init="he", batchnorm=self.batchnorm)
        return g.generator(space)

    def discriminator(self, space: Space) -> nn.Module:
        widths = (math.prod(space.shape), *self.d_widths)
        hidden = layers.hidden(widths, layers.ACTIVATIONS["leaky_relu"], norm=self.d_batchnorm)
        out = layers.uninitialised(nn.Linear, widths[-1], self.key)
        return QueryDiscriminator(weights.initialise(nn.Sequential(nn.Flatten(), *hidden, out), weights.he))

    def unsupported(self, space: Space) -> str | None:
        return None

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None
