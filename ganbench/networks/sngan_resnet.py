"""The residual pair of SN-GAN and WGAN-GP for CIFAR-10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation
from ganbench.networks.parts.discriminators import FEATURES, Discriminator
from ganbench.networks.parts.residual import basic, conv, first, initialise_residual
from ganbench.networks.parts.spaces import HALVED, described, halvings, side
from ganbench.networks.parts.spectral import spectral

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class SNGANResNet(Network):
    """Residual blocks that double the side in G and halve it in D.

    G: linear to the smallest map, residual blocks that double the side, norm, ReLU, convolution, tanh. D: two residual
    blocks that halve the side, two that keep it, ReLU, a sum over the pixels, linear without bias. Batch norm precedes
    each ReLU but those of D's first block; in the papers D has no batch norm. SN-GAN has `batchnorm: generator`; at
    32x32x3 G then has 4,276,739 parameters and D 1,053,824. WGAN-GP's pair has `g_width` 128, no `spectral`, and
    `pool: mean`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Miyato et al. 2018, arXiv:1802.05957, table 4 and the authors' code"
    parts: ClassVar[frozenset[str]] = FEATURES

    z: Count = 128
    g_width: Count = 256  # channels
    d_width: Count = 128
    pool: Literal["sum", "mean"] = "sum"  # over the pixels, before D's last layer
    spectral: bool = True  # spectral norm on every layer of D
    layer_norm: bool = False  # in D, instead of batch norm

    def generator(self, space: Space) -> nn.Module:
        sides, norm = halvings(side(space)), normalisation.norm(batch=self.g_batchnorm)
        base, width = sides[-1], self.g_width
        net = nn.Sequential(
            layers.uninitialised(nn.Linear, self.z, width * base * base),
            nn.Unflatten(1, (width, base, base)),
            *(basic(width, "up", norm) for _ in sides[1:]),
            *layers.activated(nn.ReLU(), width, norm),
            conv(width, space.shape[0], 3),
            nn.Tanh(),
        )
        return initialise_residual(net)

    def discriminator(self, space: Space) -> nn.Module:
        width, norm = self.d_width, normalisation.norm(batch=self.d_batchnorm, layer=self.layer_norm)
        net = Discriminator(
            first(space.shape[0], width),
            *(basic(width, resample, norm) for resample in ("down", "none", "none")),
            nn.ReLU(),
            layers.Pool(self.pool),
            layers.uninitialised(nn.Linear, width, 1, bias=False),
            nn.Flatten(0),
        )
        initialise_residual(net)
        return spectral(net) if self.spectral else net

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return None
        return f"sngan_resnet takes {HALVED}, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.LAYER_AND_BATCH_NORM if self.layer_norm and self.d_batchnorm else None
