"""A fully connected generator against DCGAN's discriminator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.dcgan import DCGAN
from ganbench.networks.mlp import MLP
from ganbench.networks.parts import normalisation
from ganbench.networks.parts.discriminators import FEATURES

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class MLPDCGAN(Network):
    """`mlp`'s generator with ReLU and He's initialisation, and `dcgan`'s discriminator.

    One of WGAN-GP's difficult architectures; there it has 4 layers of 512 units and no batch norm in G.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Gulrajani et al. 2017, arXiv:1704.00028, figure 2 and the authors' code"
    parts: ClassVar[frozenset[str]] = FEATURES

    z: Count = 128
    g_widths: tuple[Count, ...] = (512, 512, 512, 512)
    width: Count = 64  # channels of D's first layer
    layer_norm: bool = False  # in D, instead of batch norm

    def generator(self, space: Space) -> nn.Module:
        g = MLP(z=self.z, g_widths=self.g_widths, g_activation="relu", init="he", batchnorm=self.batchnorm)
        return g.generator(space)

    def discriminator(self, space: Space) -> nn.Module:
        d = DCGAN(width=self.width, layer_norm=self.layer_norm, padding="tf_same", batchnorm=self.batchnorm)
        return d.discriminator(space)

    def unsupported(self, space: Space) -> str | None:
        reason = DCGAN().unsupported(space)
        return reason and reason.replace("dcgan", self.kind())

    def conflict(self, spec: RunSpec) -> str | None:
        if self.g_batchnorm and spec.batch < 2:
            return normalisation.BATCH_OF_ONE
        return normalisation.LAYER_AND_BATCH_NORM if self.layer_norm and self.d_batchnorm else None
