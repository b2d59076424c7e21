"""BEGAN's pair in chainer-gan-lib's comparison on CIFAR-10: D is an auto-encoder of strided convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks.base import Network
from ganbench.networks.parts import sndcgan, weights
from ganbench.networks.parts.convolutions import double, halve
from ganbench.networks.parts.discriminators import AUTOENCODER, AutoEncoder
from ganbench.networks.parts.layers import ACTIVATIONS, activated, uninitialised
from ganbench.networks.parts.normalisation import norm
from ganbench.networks.parts.spaces import HALVED, described, halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class SNDCGANAutoEncoder(Network):
    """D's encoder: kernel 3 to `width` channels, a kernel 4 of stride 2 for each halving, each with twice the channels.

    Then a linear layer to a code of `code` numbers. The decoder mirrors it, with tanh at its end; leaky ReLU follows
    all other layers. The side is halved at least twice and until it is 7 or less. G is that of `sndcgan`. The library
    has no batch norm in either network; in D it would follow the convolutions of stride 2. At 32x32x3 D has 7,615,363
    parameters.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "pfnet-research/chainer-gan-lib, began"
    parts: ClassVar[frozenset[str]] = AUTOENCODER

    z: Count = 128
    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 64
    code: Count = 128
    init_std: Positive = 0.02  # of the weights

    def generator(self, space: Space) -> nn.Module:
        net = sndcgan.generator(space, self.z, self.width, norm=self.g_batchnorm)
        return weights.initialise(net, weights.normal(self.init_std))

    def discriminator(self, space: Space) -> nn.Module:
        net = AutoEncoder(self._encoder(space), self._decoder(space))
        return weights.initialise(net, weights.normal(self.init_std))

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return None
        return f"sndcgan_autoencoder takes {HALVED}, not {described(space)}: use autoencoder_mlp"

    def _encoder(self, space: Space) -> nn.Module:
        leaky, sides = ACTIVATIONS["leaky_relu"], halvings(side(space))
        widths, own = sndcgan.widths(sides, self.width), norm(batch=self.d_batchnorm)
        stack: list[nn.Module] = [uninitialised(nn.Conv2d, space.shape[0], self.width, 3, padding=1), leaky()]
        for size, (inputs, outputs) in zip(sides, pairwise(widths), strict=False):
            stack += halve(sndcgan.KERNEL, size, inputs, outputs, own is None)
            stack += activated(leaky(), outputs, own)
        linear = uninitialised(nn.Linear, widths[-1] * sides[-1] ** 2, self.code)
        return nn.Sequential(*stack, nn.Flatten(), linear, leaky())

    def _decoder(self, space: Space) -> nn.Module:
        leaky, sides = ACTIVATIONS["leaky_relu"], halvings(side(space))
        widths, own = sndcgan.widths(sides, self.width), norm(batch=self.d_batchnorm)
        shape = (widths[-1], sides[-1], sides[-1])
        stack: list[nn.Module] = [uninitialised(nn.Linear, self.code, widths[-1] * sides[-1] ** 2), leaky()]
        stack.append(nn.Unflatten(1, shape))
        for size, (inputs, outputs) in zip(sides[-2::-1], pairwise(widths[::-1]), strict=True):
            stack += double(sndcgan.KERNEL, size, inputs, outputs, own is None)
            stack += activated(leaky(), outputs, own)
        return nn.Sequential(
            *stack, uninitialised(nn.ConvTranspose2d, self.width, space.shape[0], 3, padding=1), nn.Tanh()
        )
