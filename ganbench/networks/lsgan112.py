"""The pair of LSGAN's scene experiments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import convolutions, layers, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel, double
from ganbench.networks.parts.discriminators import FEATURES
from ganbench.networks.parts.spaces import described, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class LSGAN112(Network):
    """DCGAN with two more layers in G, which keep the side, after the first two that double it; for 112x112x3.

    With width w, G has a linear layer to 4w channels of a 16th of the side; twice a transposed convolution to 4w that
    doubles the side and one that keeps it; two that double it, to 2w and w; one that keeps it, to the image. Their
    kernels are 3x3. D has convolutions of kernel 5 to w, 2w, 4w and 8w. Batch norm follows every layer but G's last and
    D's first and last; in the paper both networks have it. With w = 64 at 112x112x3, G has 15,588,483 parameters and D
    4,331,649, not counting batch norm.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, figure 3 and the authors' code for LSUN"
    parts: ClassVar[frozenset[str]] = FEATURES

    z: Count = 1024
    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 64

    def generator(self, space: Space) -> nn.Module:
        top, base, norm = 4 * self.width, side(space) // 16, normalisation.norm(batch=self.g_batchnorm)
        stack: list[nn.Module] = [
            layers.uninitialised(nn.Linear, self.z, top * base**2),
            nn.Unflatten(1, (top, base, base)),
            *layers.activated(nn.ReLU(), top, norm),
        ]
        for times, inputs, outputs in ((2, 4, 4), (4, 4, 4), (8, 4, 2), (16, 2, 1)):
            channels = outputs * self.width
            stack += double(Kernel(3, tf_same=True), times * base, inputs * self.width, channels)
            stack += layers.activated(nn.ReLU(), channels, norm)
            if times <= 4:
                stack += [_same_side(channels, channels), *layers.activated(nn.ReLU(), channels, norm)]
        net = nn.Sequential(*stack, _same_side(self.width, space.shape[0]), nn.Tanh())
        return weights.initialise(net, weights.lsgan, gain_std=0.02)

    def discriminator(self, space: Space) -> nn.Module:
        stages = convolutions.Stages(
            sides=tuple(side(space) // 2**stage for stage in range(5)),
            channels=(space.shape[0], *(self.width * 2**stage for stage in range(4))),
            kernel=Kernel(5, tf_same=True),
            bias=True,
        )
        net = convolutions.discriminator(stages, normalisation.norm(batch=self.d_batchnorm))
        return weights.initialise(net, weights.lsgan, gain_std=0.02)

    def unsupported(self, space: Space) -> str | None:
        if side(space) and side(space) % 16 == 0:
            return None
        other = "use dcgan for most other images, mlp for the rest"
        return f"lsgan112 takes square images whose side is a multiple of 16, not {described(space)}: {other}"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None


def _same_side(inputs: int, outputs: int) -> nn.Module:
    """A transposed convolution that keeps the side."""
    return layers.uninitialised(nn.ConvTranspose2d, inputs, outputs, 3, padding=1)
