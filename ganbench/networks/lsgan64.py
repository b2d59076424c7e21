"""The 64x64 pair of the LSGAN stability study."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import layers as layers
from ganbench.networks.parts import pyramid as _pyramid
from ganbench.networks.parts.convolutions import Kernel
from ganbench.networks.parts.spaces import described

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

PYRAMID = _pyramid.Pyramid(
    sides=(64, 32, 16, 8, 4), channels=(3, 64, 128, 256, 512), kernel=Kernel(5, tf_same=True), bias=True
)


@dataclass(frozen=True, kw_only=True)
class LSGAN64(Network):
    """DCGAN at 64x64x3 as the authors of LSGAN built it: latents of 1024, TensorFlow's padding and initialisation.

    G has 12,702,851 parameters and D 4,314,753 without batch norm. In the study D has batch norm in its layers 2-4
    (`batchnorm: discriminator`, the paper's BN_G) or nobody has it (`none`, the paper's BN_GD).
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, the authors' code for the stability comparison"
    parts: ClassVar[frozenset[str]] = layers.FEATURES

    z: Count = 1024
    prior: Literal["normal", "uniform"] = "uniform"

    def generator(self, space: Space) -> nn.Module:
        norm = layers.norm(batch=self.g_batchnorm)
        return layers.initialise(_pyramid.generator(PYRAMID, self.z, norm), layers.lsgan, gain_std=0.02)

    def discriminator(self, space: Space) -> nn.Module:
        pyramid = replace(PYRAMID, channels=(space.shape[0], *PYRAMID.channels[1:]))  # a pack has more than three
        norm = layers.norm(batch=self.d_batchnorm)
        return layers.initialise(_pyramid.discriminator(pyramid, norm), layers.lsgan, gain_std=0.02)

    def unsupported(self, space: Space) -> str | None:
        if space.shape == (3, 64, 64):
            return None
        other = "use dcgan for other images, mlp for points"
        return f"lsgan64 takes images of shape 3x64x64, not {described(space)}: {other}"
