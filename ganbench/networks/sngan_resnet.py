"""The residual pair of SN-GAN and WGAN-GP for CIFAR-10."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import ADDED, Count
from ganbench.networks.base import Network
from ganbench.networks.parts import conditional, layers, normalisation
from ganbench.networks.parts.attention import self_attention
from ganbench.networks.parts.conditional import HeadSizes, LabelUse
from ganbench.networks.parts.labels import Layers, conditional_norm, unlabelled
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
    `pool: mean`. With `labels` the pair is conditional: batch norm in G's blocks has gains and offsets of each class,
    and D a `projection` (arXiv:1802.05637), a `classifier` for `ac_gan`, or `embeddings` for `reacgan`. SAGAN
    (arXiv:1805.08318) has a projection, `attention` at maps of half the image's side, and `g_spectral`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Miyato et al. 2018, arXiv:1802.05957, table 4 and the authors' code"

    z: Count = 128
    g_width: Count = 256  # channels
    d_width: Count = 128
    pool: Literal["sum", "mean"] = "sum"  # over the pixels, before D's last layer
    spectral: bool = True  # spectral norm on every layer of D
    layer_norm: bool = False  # in D, instead of batch norm
    labels: LabelUse = field(default="none", metadata=ADDED)  # how D uses them
    embedding: Count = field(default=512, metadata=ADDED)
    attention: bool = field(default=False, metadata=ADDED)
    g_spectral: bool = field(default=False, metadata=ADDED)  # spectral norm in G

    @property
    def parts(self) -> frozenset[str]:
        return conditional.PARTS[self.labels]

    @property
    def conditional(self) -> bool:
        return self.labels != "none"

    def generator(self, space: Space) -> nn.Module:
        sides, norm = halvings(side(space)), normalisation.norm(batch=self.g_batchnorm)
        base, width = sides[-1], self.g_width
        own = conditional_norm(space.classes) if self.conditional else norm
        *blocks, last = [basic(width, "up", own) for _ in sides[1:]]
        net = Layers(
            layers.uninitialised(nn.Linear, self.z, width * base * base),
            nn.Unflatten(1, (width, base, base)),
            *blocks,
            *self_attention(width, self.attention),
            last,
            *layers.activated(nn.ReLU(), width, norm),
            conv(width, space.shape[0], 3),
            nn.Tanh(),
        )
        initialise_residual(net)
        return spectral(net) if self.g_spectral else net

    def discriminator(self, space: Space) -> nn.Module:
        width, norm = self.d_width, normalisation.norm(batch=self.d_batchnorm, layer=self.layer_norm)
        body = [
            first(space.shape[0], width),
            *self_attention(width, self.attention),
            *(basic(width, resample, norm) for resample in ("down", "none", "none")),
            nn.ReLU(),
            layers.Pool(self.pool),
        ]
        sizes = HeadSizes(width, space.classes, self.embedding)
        net = conditional.discriminator(self.labels, body, sizes, bias=False)
        initialise_residual(net)
        return spectral(net) if self.spectral else net

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return unlabelled(self.kind(), space) if self.conditional else None
        return f"sngan_resnet takes {HALVED}, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        two = normalisation.LAYER_AND_BATCH_NORM if self.layer_norm and self.d_batchnorm else None
        return conditional.NEEDS_BATCH_NORM if self.conditional and not self.g_batchnorm else two
