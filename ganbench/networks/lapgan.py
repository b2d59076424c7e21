"""LAPGAN's Laplacian pyramid: a pair of networks for each level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import laplacian, layers, normalisation, weights
from ganbench.networks.parts.dropout import Dropout, Include
from ganbench.networks.parts.spaces import described

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class LAPGANPyramid(Network):
    """Images are halved at least once and until their side is `coarsest` or less: 32 -> 16 -> 8, 28 -> 14 -> 7, 8 -> 4.

    The coarsest level has fully connected networks with two hidden layers of ReLU units. At each finer level G makes
    the detail that is added to the doubled coarser image, from that image and a plane of latents, by kernels 7x7, 7x7
    and 5x5 with `width` channels. D takes the sum: 5x5, 5x5 of stride 2, and a linear layer. D's last layers have
    dropout, which keeps inputs with probability `include`. G takes z latents and one for each pixel of each finer
    level. The authors' code has 8000 `g_units` and 1600 `d_units`. The variant `lapgan` trains each level separately;
    other variants train the networks end to end.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Denton et al. 2015, arXiv:1506.05751, section 4.1, and the authors' code (eyescream)"
    parts: ClassVar[frozenset[str]] = laplacian.PYRAMID

    prior: Literal["normal", "uniform"] = "uniform"
    coarsest: Count = 8
    width: Count = 64
    g_units: Count = 1200
    d_units: Count = 600
    include: Include = 0.5

    def generator(self, space: Space) -> nn.Module:
        sides = self._sides(space)
        finer = [self._detail(space.shape[0]) for _ in sides[:-1]]
        coarse = (space.shape[0], sides[-1], sides[-1])
        hidden = layers.hidden((self.z, self.g_units, self.g_units), nn.ReLU, norm=self.g_batchnorm)
        out = layers.uninitialised(nn.Linear, self.g_units, math.prod(coarse))
        base = nn.Sequential(*hidden, out, nn.Tanh(), nn.Unflatten(1, coarse))
        net = laplacian.PyramidGenerator(self.z, base, finer, sides)
        return weights.initialise(net, weights.torch_default)

    def discriminator(self, space: Space) -> nn.Module:
        sides, channels = self._sides(space), space.shape[0]
        widths = (channels * sides[-1] ** 2, self.d_units, self.d_units)
        hidden = [nn.Flatten(), *layers.hidden(widths, nn.ReLU, norm=self.d_batchnorm)]
        finer = [self._score(self._convolutions(channels), self.width * (s // 2) ** 2) for s in sides[:-1]]
        net = laplacian.PyramidDiscriminator([*finer, self._score(hidden, self.d_units)], channels, sides)
        return weights.initialise(net, weights.torch_default)

    def latent(self, space: Space) -> int:
        return self.z + sum(s * s for s in self._sides(space)[:-1])

    def unsupported(self, space: Space) -> str | None:
        if self._sides(space):
            return None
        allowed = f"square images whose side can be halved at least once and to {self.coarsest} or less"
        return f"lapgan takes {allowed}, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return normalisation.BATCH_OF_ONE if self.batchnorm != "none" and spec.batch < 2 else None

    def _sides(self, space: Space) -> tuple[int, ...]:
        return laplacian.sides(space, self.coarsest)

    def _detail(self, channels: int) -> nn.Module:
        """An image and a plane of latents, (n, channels + 1, s, s) -> a detail (n, channels, s, s)."""
        norm = normalisation.norm(batch=self.g_batchnorm)
        stack: list[nn.Module] = []
        for inputs in (channels + 1, self.width):
            stack.append(layers.uninitialised(nn.Conv2d, inputs, self.width, 7, padding=3, bias=norm is None))
            stack += layers.activated(nn.ReLU(), self.width, norm)
        return nn.Sequential(*stack, layers.uninitialised(nn.Conv2d, self.width, channels, 5, padding=2))

    def _convolutions(self, channels: int) -> list[nn.Module]:
        norm = normalisation.norm(batch=self.d_batchnorm)
        first = layers.uninitialised(nn.Conv2d, channels, self.width, 5, padding=2)
        second = layers.uninitialised(nn.Conv2d, self.width, self.width, 5, stride=2, padding=2, bias=norm is None)
        return [first, nn.ReLU(), second, *layers.activated(nn.ReLU(), self.width, norm), nn.Flatten()]

    def _score(self, hidden: list[nn.Module], units: int) -> nn.Module:
        return nn.Sequential(*hidden, Dropout(self.include), layers.uninitialised(nn.Linear, units, 1), nn.Flatten(0))
