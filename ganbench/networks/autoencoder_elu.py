"""BEGAN's convolutional pair: D is an auto-encoder, and G is built like its decoder."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, normalisation, weights
from ganbench.networks.parts.discriminators import AUTOENCODER, AutoEncoder
from ganbench.networks.parts.normalisation import Norm
from ganbench.networks.parts.spaces import described, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class AutoencoderELU(Network):
    """Two convolutions of kernel 3 with ELU at each side; the side is halved until it is `smallest` or less: 32, 16, 8.

    Decoder and G: a linear layer to `width` maps of the smallest side, two convolutions of `width` channels at each
    side, with nearest-neighbour upsampling between the sides, and a convolution to the image. Encoder: a convolution to
    `width` channels, two convolutions at each side, of 1, 2, 3 ... times `width` channels, with a convolution of stride
    2 between the sides, and a linear layer to the code. Latents and code have 64 numbers, as in the paper. G ends in
    tanh, the range of images here; the authors' code has no activation there.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = (
        "Berthelot, Schumm and Metz 2017, arXiv:1703.10717, figure 1 (code: carpedm20/BEGAN-tensorflow)"
    )
    parts: ClassVar[frozenset[str]] = AUTOENCODER

    z: Count = 64
    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 128
    code: Count = 64
    smallest: Count = 8

    def generator(self, space: Space) -> nn.Module:
        net = nn.Sequential(self._decoder(space, self.z, normalisation.norm(batch=self.g_batchnorm)), nn.Tanh())
        return weights.initialise(net, weights.glorot)

    def discriminator(self, space: Space) -> nn.Module:
        norm = normalisation.norm(batch=self.d_batchnorm)
        net = AutoEncoder(self._encoder(space, norm), self._decoder(space, self.code, norm))
        return weights.initialise(net, weights.glorot)

    def unsupported(self, space: Space) -> str | None:
        if self._sides(space):
            return None
        allowed = f"square images whose side can be halved to {self.smallest} or less"
        return f"autoencoder_elu takes {allowed}, not {described(space)}: use autoencoder_mlp"

    def _sides(self, space: Space) -> tuple[int, ...]:
        """From the image's side to the smallest; empty if an odd side can't be halved."""
        sides = [side(space)]
        while sides[-1] > self.smallest:
            sides.append(sides[-1] // 2)
        return tuple(sides) if sides[0] >= 2 and all(s == 2 * half for s, half in pairwise(sides)) else ()

    def _encoder(self, space: Space, norm: Norm | None) -> nn.Module:
        sides, channels = self._sides(space), self.width
        stack = self._convolution(space.shape[0], channels, None)
        for stage in range(1, len(sides) + 1):
            stack += self._convolution(channels, stage * self.width, norm)
            channels = stage * self.width
            stack += self._convolution(channels, channels, norm)
            stack += self._convolution(channels, channels, norm, stride=2) if stage < len(sides) else []
        code = layers.uninitialised(nn.Linear, channels * sides[-1] ** 2, self.code)
        return nn.Sequential(*stack, nn.Flatten(), code)

    def _decoder(self, space: Space, inputs: int, norm: Norm | None) -> nn.Module:
        sides, width = self._sides(space), self.width
        smallest = layers.uninitialised(nn.Linear, inputs, width * sides[-1] ** 2)
        stack: list[nn.Module] = [smallest, nn.Unflatten(1, (width, sides[-1], sides[-1]))]
        for stage in range(len(sides)):
            stack += [nn.Upsample(scale_factor=2)] if stage else []
            stack += [*self._convolution(width, width, norm), *self._convolution(width, width, norm)]
        return nn.Sequential(*stack, layers.uninitialised(nn.Conv2d, width, space.shape[0], 3, padding=1))

    def _convolution(self, inputs: int, outputs: int, norm: Norm | None, stride: int = 1) -> list[nn.Module]:
        layer = layers.uninitialised(nn.Conv2d, inputs, outputs, 3, stride=stride, padding=1, bias=norm is None)
        return [layer, *layers.activated(nn.ELU(), outputs, norm)]
