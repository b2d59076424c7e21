"""LAPGAN's Laplacian pyramid: a pair of networks for each level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import laplacian as _laplacian
from ganbench.networks.parts import layers as layers
from ganbench.networks.parts.dropout import Dropout, Include
from ganbench.networks.parts.spaces import described

if TYPE_CHECKING:
    from ganbench.datasets.base import Space
    from ganbench.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class LAPGAN(Network):
    """Images are halved at least once and until their side is `coarsest` or less: 32 -> 16 -> 8, 28 -> 14 -> 7, 8 -> 4.

    The coarsest level has fully connected networks with two hidden layers of ReLU units. At each finer one G makes the
    detail to be added to the coarser image, doubled, from that image and a plane of latents: kernels 7x7, 7x7 and 5x5
    with `width` channels. D sees the sum: 5x5, 5x5 of stride 2, and a linear layer. D keeps inputs of its last layers
    with probability `include`. G takes z latents and one for each pixel of each finer level.
    The authors' code has 8000 `g_units` and 1600 `d_units`. Trained by the variant `lapgan`, or from end to end.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Denton et al. 2015, arXiv:1506.05751, section 4.1, and the authors' code (eyescream)"
    parts: ClassVar[frozenset[str]] = _laplacian.PARTS

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
        out = layers.blank(nn.Linear, self.g_units, math.prod(coarse))
        base = nn.Sequential(*hidden, out, nn.Tanh(), nn.Unflatten(1, coarse))
        net = _laplacian.PyramidGenerator(self.z, base, finer, sides)
        return layers.initialise(net, layers.torch_default)

    def discriminator(self, space: Space) -> nn.Module:
        sides, channels = self._sides(space), space.shape[0]
        widths = (channels * sides[-1] ** 2, self.d_units, self.d_units)
        hidden = [nn.Flatten(), *layers.hidden(widths, nn.ReLU, norm=self.d_batchnorm)]
        judges = [self._judge(self._seen(channels), self.width * (s // 2) ** 2) for s in sides[:-1]]
        net = _laplacian.PyramidDiscriminator([*judges, self._judge(hidden, self.d_units)], channels, sides)
        return layers.initialise(net, layers.torch_default)

    def latent(self, space: Space) -> int:
        return self.z + sum(s * s for s in self._sides(space)[:-1])

    def unsupported(self, space: Space) -> str | None:
        if self._sides(space):
            return None
        what = f"square images whose side can be halved at least once and to {self.coarsest} or less"
        return f"lapgan takes {what}, not {described(space)}: use mlp"

    def conflict(self, spec: RunSpec) -> str | None:
        return layers.SINGLE if self.batchnorm != "none" and spec.batch < 2 else None

    def _sides(self, space: Space) -> tuple[int, ...]:
        return _laplacian.sides(space, self.coarsest)

    def _detail(self, channels: int) -> nn.Module:
        """Of images beside a plane, (n, channels + 1, s, s) -> (n, channels, s, s)."""
        norm = layers.norm(batch=self.g_batchnorm)
        stack: list[nn.Module] = []
        for inputs in (channels + 1, self.width):
            stack.append(layers.blank(nn.Conv2d, inputs, self.width, 7, padding=3, bias=norm is None))
            stack += layers.activated(nn.ReLU(), self.width, norm)
        return nn.Sequential(*stack, layers.blank(nn.Conv2d, self.width, channels, 5, padding=2))

    def _seen(self, channels: int) -> list[nn.Module]:
        norm = layers.norm(batch=self.d_batchnorm)
        first = layers.blank(nn.Conv2d, channels, self.width, 5, padding=2)
        second = layers.blank(nn.Conv2d, self.width, self.width, 5, stride=2, padding=2, bias=norm is None)
        return [first, nn.ReLU(), second, *layers.activated(nn.ReLU(), self.width, norm), nn.Flatten()]

    def _judge(self, seen: list[nn.Module], units: int) -> nn.Module:
        return nn.Sequential(*seen, Dropout(self.include), layers.blank(nn.Linear, units, 1), nn.Flatten(0))
