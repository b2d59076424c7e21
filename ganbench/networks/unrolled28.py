"""The small pair of the unrolled GAN's experiment on stacked MNIST."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from ganbench.component import Count
from ganbench.networks.parts import convolutions, layers, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel, double
from ganbench.networks.parts.discriminators import FEATURES
from ganbench.networks.parts.packing import PackedNetwork
from ganbench.networks.parts.spaces import described, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

KERNEL = Kernel(3, tf_same=True)
LEAK = 0.3


@dataclass(frozen=True, kw_only=True)
class Unrolled28(PackedNetwork):
    """Three transposed convolutions in G and three convolutions in D, all 3x3.

    G: linear to 4x4x64, transposed convolutions to 7x7x32, 14x14x16 and 28x28x8, a convolution to the image, tanh. D:
    three convolutions of stride 2 with `d_width` channels, twice and four times as many, and a linear layer. With a
    `d_width` of 4 D has half of G's channels, with 2 a quarter. Batch norm follows every layer but the last ones; in
    the experiment both networks have it. At 28x28x3 G then has 287,875 parameters and D 1,889, or 585 at a quarter.
    Convolutions start from a truncated normal of 0.02, other layers from a plain one, batch norm's gains at 1. Sides
    are multiples of 4, and half of an odd side is rounded up.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Metz et al. 2017, arXiv:1611.02163, stacked MNIST; Lin et al. 2018 (PacGAN), authors' code"
    parts: ClassVar[frozenset[str]] = FEATURES

    z: Count = 256
    g_width: Count = 8  # channels next to the image
    d_width: Count = 4

    def generator(self, space: Space) -> nn.Module:
        sides, norm = _sides(space), normalisation.norm(batch=self.g_batchnorm)
        widths = tuple(self.g_width * times for times in (8, 4, 2, 1))
        stack: list[nn.Module] = [
            layers.uninitialised(nn.Linear, self.z, widths[0] * sides[-1] ** 2),
            nn.Unflatten(1, (widths[0], sides[-1], sides[-1])),
            *layers.activated(nn.ReLU(), widths[0], norm),
        ]
        for (inputs, outputs), size in zip(pairwise(widths), reversed(sides[:-1]), strict=True):
            stack += [*double(KERNEL, size, inputs, outputs), *layers.activated(nn.ReLU(), outputs, norm)]
        stack += [layers.uninitialised(nn.Conv2d, widths[-1], space.shape[0], 3, padding=1), nn.Tanh()]
        return weights.initialise(nn.Sequential(*stack), weights.lsgan)

    def discriminator(self, space: Space) -> nn.Module:
        channels = (space.shape[0], *(self.d_width * times for times in (1, 2, 4)))
        stages = convolutions.Stages(
            sides=_sides(space), channels=channels, kernel=KERNEL, leak=LEAK, bias=True, first_norm=True
        )
        net = convolutions.discriminator(stages, normalisation.norm(batch=self.d_batchnorm))
        return weights.initialise(net, weights.lsgan)

    def unsupported(self, space: Space) -> str | None:
        if side(space) >= 8 and side(space) % 4 == 0:
            return None
        return f"unrolled28 takes square images whose side is a multiple of 4, from 8, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None


def _sides(space: Space) -> tuple[int, ...]:
    """28, 14, 7, 4."""
    image = side(space)
    return image, image // 2, image // 4, (image // 4 + 1) // 2
