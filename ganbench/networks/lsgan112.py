"""The pair of LSGAN's scene experiments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import layers as layers
from ganbench.networks.parts import pyramid as _pyramid
from ganbench.networks.parts.convolutions import Kernel, double
from ganbench.networks.parts.spaces import described, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class LSGAN112(Network):
    """DCGAN with two more layers in G, which keep the side, after the first two that double it; for 112x112x3.

    With width w, G is linear to 4w channels of a 16th of the side; twice a transposed convolution to 4w that doubles
    the side and one that keeps it; two that double it, to 2w and w; one that keeps it, to the image. Their kernels are
    3. D has convolutions of kernel 5 to w, 2w, 4w and 8w. Batch norm follows every layer but G's last and D's first and
    last, and the paper has it in both. With w = 64 at 112x112x3, G has 15,588,483 parameters and D 4,331,649 besides.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, figure 3 and the authors' code for LSUN"
    parts: ClassVar[frozenset[str]] = layers.FEATURES

    z: Count = 1024
    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 64

    def generator(self, space: Space) -> nn.Module:
        top, base, norm = 4 * self.width, side(space) // 16, layers.norm(batch=self.g_batchnorm)
        stack: list[nn.Module] = [layers.blank(nn.Linear, self.z, top * base**2), nn.Unflatten(1, (top, base, base))]
        stack += layers.activated(nn.ReLU(), top, norm)
        for side_now, inputs, outputs in ((2, 4, 4), (4, 4, 4), (8, 4, 2), (16, 2, 1)):
            channels = outputs * self.width
            stack += double(Kernel(3, tf_same=True), side_now * base, inputs * self.width, channels)
            stack += layers.activated(nn.ReLU(), channels, norm)
            if side_now <= 4:
                stack += [_keep(channels, channels), *layers.activated(nn.ReLU(), channels, norm)]
        net = nn.Sequential(*stack, _keep(self.width, space.shape[0]), nn.Tanh())
        return layers.initialise(net, layers.lsgan, gain_std=0.02)

    def discriminator(self, space: Space) -> nn.Module:
        pyramid = _pyramid.Pyramid(
            sides=tuple(side(space) // 2**stage for stage in range(5)),
            channels=(space.shape[0], *(self.width * 2**stage for stage in range(4))),
            kernel=Kernel(5, tf_same=True),
            bias=True,
        )
        net = _pyramid.discriminator(pyramid, layers.norm(batch=self.d_batchnorm))
        return layers.initialise(net, layers.lsgan, gain_std=0.02)

    def unsupported(self, space: Space) -> str | None:
        if side(space) and side(space) % 16 == 0:
            return None
        other = "use dcgan for most other images, mlp for the rest"
        return f"lsgan112 takes square images whose side is a multiple of 16, not {described(space)}: {other}"

    def conflict(self, spec: RunSpec) -> str | None:
        return layers.SINGLE if self.batchnorm != "none" and spec.batch < 2 else None


def _keep(inputs: int, outputs: int) -> nn.Module:
    """A transposed convolution that keeps the side."""
    return layers.blank(nn.ConvTranspose2d, inputs, outputs, 3, padding=1)
