"""The 64x64 pair of the LSGAN stability study."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import convolutions, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel
from ganbench.networks.parts.discriminators import FEATURES
from ganbench.networks.parts.spaces import described

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

STAGES = convolutions.Stages(
    sides=(64, 32, 16, 8, 4), channels=(3, 64, 128, 256, 512), kernel=Kernel(5, tf_same=True), bias=True
)


@dataclass(frozen=True, kw_only=True)
class LSGAN64(Network):
    """DCGAN at 64x64x3 as the authors of LSGAN built it: `z` is 1024, padding and initialisation are TensorFlow's.

    G has 12,702,851 parameters and D 4,314,753 without batch norm. In the study D has batch norm in its layers 2-4
    (`batchnorm: discriminator`, the paper's BN_G) or neither network has it (`none`, the paper's BN_GD).
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, the authors' code for the stability comparison"
    parts: ClassVar[frozenset[str]] = FEATURES

    z: Count = 1024
    prior: Literal["normal", "uniform"] = "uniform"

    def generator(self, space: Space) -> nn.Module:
        norm = normalisation.norm(batch=self.g_batchnorm)
        return weights.initialise(convolutions.generator(STAGES, self.z, norm), weights.lsgan, gain_std=0.02)

    def discriminator(self, space: Space) -> nn.Module:
        stages = replace(STAGES, channels=(space.shape[0], *STAGES.channels[1:]))  # packed samples have more than three
        norm = normalisation.norm(batch=self.d_batchnorm)
        return weights.initialise(convolutions.discriminator(stages, norm), weights.lsgan, gain_std=0.02)

    def unsupported(self, space: Space) -> str | None:
        if space.shape == (3, 64, 64):
            return None
        other = "use dcgan for other images, mlp for points"
        return f"lsgan64 takes images of shape 3x64x64, not {described(space)}: {other}"
