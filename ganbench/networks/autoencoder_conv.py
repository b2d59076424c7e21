"""EBGAN's convolutional pair, whose discriminator is an auto-encoder."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks.base import Network
from ganbench.networks.parts import convolutions, layers, normalisation, weights
from ganbench.networks.parts.convolutions import Kernel, double, halve
from ganbench.networks.parts.discriminators import AUTOENCODER, AutoEncoder
from ganbench.networks.parts.spaces import HALVED, described, halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

KERNEL = Kernel(4)
DEEPEST = 3  # the number of halvings in the paper's D


@dataclass(frozen=True, kw_only=True)
class AutoencoderConv(Network):
    """D halves the side three times, or until it is 7 or less, and doubles it back; kernels are 4x4.

    At 64x64 D is (64)4c2s-(128)4c2s-(256)4c2s with leaky ReLU, then (128)4c2s-(64)4c2s-(3)4c2s with ReLU, each number a
    multiple of `width`, and its output is linear; at 28x28 it is 64-128, 64-1. G is DCGAN's, from 4x4. Batch norm
    follows every layer but the last of G and D and D's first; a convolution before it has no bias.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Zhao, Mathieu and LeCun 2017, arXiv:1609.03126, appendix, for CelebA"
    parts: ClassVar[frozenset[str]] = AUTOENCODER

    prior: Literal["normal", "uniform"] = "normal"
    width: Count = 64
    g_std: Positive = 0.02  # of the initial weights
    d_std: Positive = 0.002

    def generator(self, space: Space) -> nn.Module:
        stages = convolutions.dcgan_stages(space, self.width, KERNEL)
        net = convolutions.generator(stages, self.z, normalisation.norm(batch=self.g_batchnorm))
        return weights.initialise(net, weights.normal(self.g_std))

    def discriminator(self, space: Space) -> nn.Module:
        sides = halvings(side(space))[: DEEPEST + 1]
        hidden = tuple(self.width * 2**stage for stage in range(len(sides) - 1))
        net = AutoEncoder(self._encoder(sides, (space.shape[0], *hidden)), self._decoder(sides, hidden, space.shape[0]))
        return weights.initialise(net, weights.normal(self.d_std))

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return None
        return f"autoencoder_conv takes {HALVED}, not {described(space)}: use autoencoder_mlp"

    def _encoder(self, sides: tuple[int, ...], channels: tuple[int, ...]) -> nn.Module:
        stack: list[nn.Module] = []
        for size, (inputs, outputs) in zip(sides, pairwise(channels), strict=False):
            norm = normalisation.norm(batch=self.d_batchnorm) if stack else None
            stack += halve(KERNEL, size, inputs, outputs, norm is None)
            stack += layers.activated(nn.LeakyReLU(0.2), outputs, norm)
        return nn.Sequential(*stack)

    def _decoder(self, sides: tuple[int, ...], hidden: tuple[int, ...], image: int) -> nn.Module:
        norm = normalisation.norm(batch=self.d_batchnorm)
        stack: list[nn.Module] = []
        for size, (inputs, outputs) in zip(sides[-2:0:-1], pairwise(hidden[::-1]), strict=True):
            stack += double(KERNEL, size, inputs, outputs, norm is None)
            stack += layers.activated(nn.ReLU(), outputs, norm)
        return nn.Sequential(*stack, *double(KERNEL, sides[0], hidden[0], image))
