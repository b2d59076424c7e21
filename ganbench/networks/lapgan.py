"""LAPGAN's Laplacian pyramid: a pair of networks for each level."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge, Le
from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import laplacian, layers, normalisation, weights
from ganbench.networks.parts.dropout import Dropout, Include
from ganbench.networks.parts.spaces import described

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec

G_STD, D_STD = 0.05, 0.005  # of the initial weights of the coarsest level; the others are torch's


@dataclass(frozen=True, kw_only=True)
class LAPGANPyramid(Network):
    """Images are halved at least once and until their side is `coarsest` or less: 32 -> 16 -> 8, 28 -> 14 -> 7, 8 -> 4.

    The coarsest level has fully connected networks: G with ReLU units, sigmoid units and a linear output, D with two
    layers of ReLU units, each followed by dropout. At each finer level G makes the detail that is added to the doubled
    coarser image, from that image and a plane of latents, by kernels 7x7, 7x7 and 5x5 with `width` channels. D takes
    the sum: 5x5, 5x5 of stride 2, both with `d_padding` and ReLU, dropout, and a linear layer. Dropout keeps inputs
    with probability `include`. G takes z latents and one for each pixel of each finer level.

    The authors' code has 8000 `g_units` and 1600 `d_units`; D then has 116,545 parameters at 32x32x3. The variant
    `lapgan` trains each level separately; other variants train the networks end to end.
    """

    version: ClassVar[int] = 2
    source: ClassVar[str] = "Denton et al. 2015, arXiv:1506.05751, section 4.1, and the authors' code (eyescream)"
    parts: ClassVar[frozenset[str]] = laplacian.PYRAMID

    prior: Literal["normal", "uniform"] = "uniform"
    coarsest: Count = 8
    width: Count = 64
    g_units: Count = 1200
    d_units: Count = 600
    include: Include = 0.5
    d_padding: Annotated[int, Ge(0), Le(2)] = 0  # of the finer levels' D; 0 needs sides of 9 or more, 2 takes any

    def generator(self, space: Space) -> nn.Module:
        sides, channels, norm = self._sides(space), space.shape[0], normalisation.norm(batch=self.g_batchnorm)
        base = laplacian.base_generator(self.z, self.g_units, (channels, sides[-1], sides[-1]), norm)
        finer = [laplacian.detail_generator(channels, self.width, norm) for _ in sides[:-1]]
        net = laplacian.PyramidGenerator(self.z, base, finer, sides)
        weights.initialise(net, weights.torch_default)
        weights.initialise(base, weights.normal(G_STD))
        return net

    def discriminator(self, space: Space) -> nn.Module:
        sides, channels = self._sides(space), space.shape[0]
        base = self._base(channels * sides[-1] ** 2)
        net = laplacian.PyramidDiscriminator([*(self._finer(channels, s) for s in sides[:-1]), base], channels, sides)
        weights.initialise(net, weights.torch_default)
        weights.initialise(base, weights.normal(D_STD))
        return net

    def latent(self, space: Space) -> int:
        return self.z + sum(s * s for s in self._sides(space)[:-1])

    def unsupported(self, space: Space) -> str | None:
        sides = self._sides(space)
        if not sides:
            allowed = f"square images whose side can be halved at least once and to {self.coarsest} or less"
            return f"lapgan takes {allowed}, not {described(space)}: use mlp"
        if laplacian.last_side(sides[-2], self.d_padding) < 1:
            where = f"{described(space)}, with a level of {sides[-2]}x{sides[-2]}"
            return f"the kernels of lapgan's D don't fit into {where}: set its d_padding to 2, or use mlp"
        return None

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None

    def _sides(self, space: Space) -> tuple[int, ...]:
        return laplacian.sides(space, self.coarsest)

    def _base(self, numbers: int) -> nn.Module:
        stack: list[nn.Module] = [nn.Flatten()]
        for widths in pairwise((numbers, self.d_units, self.d_units)):
            stack += [*layers.hidden(widths, nn.ReLU, norm=self.d_batchnorm), Dropout(self.include)]
        return nn.Sequential(*stack, layers.uninitialised(nn.Linear, self.d_units, 1), nn.Flatten(0))

    def _finer(self, channels: int, side: int) -> nn.Module:
        norm, padding = normalisation.norm(batch=self.d_batchnorm), self.d_padding
        hidden = laplacian.judging_convolutions(channels, self.width, padding, norm)
        units = self.width * laplacian.last_side(side, padding) ** 2
        return nn.Sequential(*hidden, Dropout(self.include), layers.uninitialised(nn.Linear, units, 1), nn.Flatten(0))
