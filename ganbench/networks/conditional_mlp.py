"""The fully connected pair of the first conditional GAN."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.discriminators import FEATURES
from ganbench.networks.parts.labels import ConditionalBranches, unlabelled

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class ConditionalMLP(Network):
    """In G latent and one-hot label each have a ReLU layer before the joint ones; in D sample and label a maxout layer.

    The output of G is a sigmoid for images and linear for points. A maxout unit has `pieces` linear units
    (`joint_pieces` in the joint layers). The paper's dropout is left out; weights are Glorot's, biases 0.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mirza and Osindero 2014, arXiv:1411.1784, section 4.1"
    parts: ClassVar[frozenset[str]] = FEATURES
    conditional: ClassVar[bool] = True
    pixel_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    g_latent: Count = 200  # units of the latent's layer
    g_label: Count = 1000  # of the label's layer
    g_widths: tuple[Count, ...] = (1200,)  # of the joint layers
    d_data: Count = 240
    d_label: Count = 50
    d_widths: tuple[Count, ...] = (240,)
    pieces: Count = 5
    joint_pieces: Count = 4

    def generator(self, space: Space) -> nn.Module:
        norm = self.g_batchnorm
        widths = (self.g_latent + self.g_label, *self.g_widths)
        out = layers.uninitialised(nn.Linear, widths[-1], math.prod(space.shape))
        squash = [nn.Sigmoid()] if space.is_image else []
        net = ConditionalBranches(
            space.classes,
            data=nn.Sequential(*layers.hidden((self.z, self.g_latent), nn.ReLU, norm=norm)),
            label=nn.Sequential(*layers.hidden((space.classes, self.g_label), nn.ReLU, norm=norm)),
            joint=nn.Sequential(*layers.hidden(widths, nn.ReLU, norm=norm)),
            out=nn.Sequential(out, *squash, nn.Unflatten(1, space.shape)),
        )
        return weights.initialise(net, weights.glorot)

    def discriminator(self, space: Space) -> nn.Module:
        widths = (self.d_data + self.d_label, *self.d_widths)
        out = layers.uninitialised(nn.Linear, widths[-1], 1)
        net = ConditionalBranches(
            space.classes,
            data=nn.Sequential(nn.Flatten(), *self._maxout((math.prod(space.shape), self.d_data), self.pieces)),
            label=nn.Sequential(*self._maxout((space.classes, self.d_label), self.pieces)),
            joint=nn.Sequential(*self._maxout(widths, self.joint_pieces)),
            out=nn.Sequential(out, nn.Flatten(0)),
        )
        return weights.initialise(net, weights.glorot)

    def unsupported(self, space: Space) -> str | None:
        return unlabelled(self.kind(), space)

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None

    def _maxout(self, widths: tuple[int, ...], pieces: int) -> list[nn.Module]:
        return layers.hidden(widths, lambda: layers.Maxout(pieces), norm=self.d_batchnorm, pieces=pieces)
