"""The convolutional pair of SN-GAN and of chainer-gan-lib's comparison on CIFAR-10, with seven convolutions in D."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch import nn

from ganbench.component import ADDED, Count, Fraction, Positive
from ganbench.networks.parts import sndcgan, weights
from ganbench.networks.parts.discriminators import FEATURES, Discriminator
from ganbench.networks.parts.minibatch import MinibatchNetwork
from ganbench.networks.parts.spaces import HALVED, described, halvings, side
from ganbench.networks.parts.spectral import spectral

if TYPE_CHECKING:
    from ganbench.datasets.base import Space


@dataclass(frozen=True, kw_only=True)
class SNDCGAN(MinibatchNetwork):
    """D: kernel 3, then a kernel 4 of stride 2 and a kernel 3 for each halving of the side, leaky ReLU, a linear layer.

    The side is halved at least twice and until it is 7 or less. The first convolution has `width` channels, and each
    halving doubles them: 64, 128, 128, 256, 256, 512, 512 at 32x32. G: a linear layer to the smallest map, a transposed
    convolution of kernel 4 for each doubling, and a last convolution of kernel 3, then tanh. Batch norm follows every
    layer but G's last and D's first and last; in G's first layer it is per unit, and D's has no gain. At 32x32x3 G
    then has 3,820,099 parameters and D 5,860,865. The library has `batchnorm: both` for DCGAN and minibatch
    discrimination (`minibatch_kernels` 100, `minibatch_own` false), else `generator`. SN-GAN's standard CNN has
    `batchnorm: generator`, `spectral`, `slope` 0.1 and `widen: next`: D's channels are 64, 64, 128, 128, 256, 256, 512,
    and D has 2,935,873 parameters at 32x32x3 and 2,946,113 at 48x48x3, where G has 5,151,299.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "pfnet-research/chainer-gan-lib; Miyato et al. 2018, arXiv:1802.05957, table 3"
    parts: ClassVar[frozenset[str]] = FEATURES

    z: Count = 128
    prior: Literal["normal", "uniform"] = "uniform"
    width: Count = 64
    spectral: bool = False  # spectral norm on every layer of D
    init_std: Positive = 0.02  # of the weights
    slope: Fraction = field(default=0.2, metadata=ADDED)  # of leaky ReLU below 0
    widen: sndcgan.Widen = field(default="halving", metadata=ADDED)  # the convolution that doubles D's channels

    def generator(self, space: Space) -> nn.Module:
        net = sndcgan.generator(space, self.z, self.width, norm=self.g_batchnorm)
        return weights.initialise(net, weights.normal(self.init_std))

    def discriminator(self, space: Space) -> nn.Module:
        leaky: dict[str, Any] = {"slope": self.slope, "widen": self.widen}
        convolutions = sndcgan.convolutions(space, self.width, norm=self.d_batchnorm, **leaky)
        sides = halvings(side(space))
        features = sndcgan.widths(sides, self.width)[-1] * sides[-1] ** 2
        net = Discriminator(*convolutions, nn.Flatten(), self.score(features), nn.Flatten(0))
        weights.initialise(net, weights.normal(self.init_std))
        return spectral(net) if self.spectral else net

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return None
        return f"sndcgan takes {HALVED}, not {described(space)}: use mlp"
