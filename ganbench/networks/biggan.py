"""BigGAN's pair for small images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Index
from ganbench.networks.base import Network
from ganbench.networks.parts import conditional, layers, weights
from ganbench.networks.parts.attention import self_attention
from ganbench.networks.parts.discriminators import FEATURES
from ganbench.networks.parts.hierarchical import CodeBatchNorm, HierarchicalGenerator
from ganbench.networks.parts.labels import Layers, unlabelled
from ganbench.networks.parts.normalisation import BatchNorm
from ganbench.networks.parts.residual import basic, conv, first
from ganbench.networks.parts.spaces import HALVED, described, halvings, side
from ganbench.networks.parts.spectral import spectral

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class BigGAN(Network):
    """Residual blocks of `width` channels with spectral norm in G and D, conditional on labels.

    G: a linear layer to the smallest map, blocks that double the side, batch norm, ReLU, convolution, tanh. The gains
    and offsets of the blocks' batch norm are linear in a code of the label, an embedding that all share, and, if
    `hierarchical`, in the block's own part of the latents; z is rounded down to equal parts. D: two blocks that halve
    the side, two that keep it, ReLU, a sum over the pixels, a linear layer and a projection of the label. Attention is
    at maps of half the image's side. At 32x32x3 with 10 classes G has 4,373,251 parameters and D 4,207,361; attention
    adds 81,921 to each. BigGAN-PyTorch's script for CIFAR-10 has `shared` 0 (each batch norm embeds the label, and G
    has 4,304,387 parameters), `hierarchical` false and `init: normal`.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Brock et al. 2019, arXiv:1809.11096, and the first author's code (ajbrock/BigGAN-PyTorch)"
    parts: ClassVar[frozenset[str]] = FEATURES
    conditional: ClassVar[bool] = True

    z: Count = 128
    width: Count = 256  # channels of every map
    shared: Index = 128  # dimensions of the shared embedding of the labels; 0: none
    hierarchical: bool = True
    attention: bool = False
    init: Literal["orthogonal", "normal"] = "orthogonal"  # orthogonal weights, or N(0, 0.02)

    def generator(self, space: Space) -> nn.Module:
        sides, width = halvings(side(space)), self.width
        base, part = sides[-1], self._part(space)
        code = (self.shared or space.classes) + (part if self.hierarchical else 0)
        norm = partial(CodeBatchNorm, code=code, embeds=not self.shared)
        blocks = [Layers(basic(width, "up", norm)) for _ in sides[1:]]
        blocks[-2].extend(self_attention(width, self.attention))
        start = [layers.uninitialised(nn.Linear, part, width * base**2), nn.Unflatten(1, (width, base, base))]
        last = [*layers.activated(nn.ReLU(), width, BatchNorm), conv(width, space.shape[0], 3), nn.Tanh()]
        sizes = (space.classes, self.shared, part)
        return self._finished(HierarchicalGenerator(sizes, nn.Sequential(*start), blocks, nn.Sequential(*last)))

    def discriminator(self, space: Space) -> nn.Module:
        body = [
            first(space.shape[0], self.width),
            *self_attention(self.width, self.attention),
            *(basic(self.width, resample, None) for resample in ("down", "none", "none")),
            nn.ReLU(),
            layers.Pool("sum"),
        ]
        sizes = conditional.HeadSizes(self.width, space.classes, embedding=0)
        return self._finished(conditional.discriminator("projection", body, sizes, bias=True))

    def latent(self, space: Space) -> int:
        return self._part(space) * (len(halvings(side(space))) if self.hierarchical else 1)

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return unlabelled(self.kind(), space)
        return f"biggan takes {HALVED}, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return None if self.batchnorm == "generator" else "only G has batch norm: use batchnorm generator"

    def _part(self, space: Space) -> int:
        """The latents of G's first layer, and of each block if `hierarchical`."""
        return max(self.z // len(halvings(side(space))), 1) if self.hierarchical else self.z

    def _finished(self, net: nn.Module) -> nn.Module:
        fill = weights.orthogonal(1.0) if self.init == "orthogonal" else weights.normal(0.02)
        return spectral(weights.initialise(net, fill))
