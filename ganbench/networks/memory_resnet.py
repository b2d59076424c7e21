"""MemoryGAN's residual pair for CIFAR-10, whose discriminator queries a memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import nn

from ganbench.component import Count, Positive
from ganbench.networks.base import Network
from ganbench.networks.parts import layers, weights
from ganbench.networks.parts.convolutions import Kernel, halve
from ganbench.networks.parts.discriminators import QUERY, QueryDiscriminator
from ganbench.networks.parts.normalisation import BatchNorm, Norm, layer_norm
from ganbench.networks.parts.residual import Resample, Residual, conv
from ganbench.networks.parts.spaces import HALVED, described, halvings, side

if TYPE_CHECKING:
    from ganbench.datasets.base import Space

QUERY_KERNEL = Kernel(4, tf_same=True)


@dataclass(frozen=True, kw_only=True)
class MemoryResNet(Network):
    """Residual blocks of `width` channels with ELU, with layer norm after each sum and batch norm within.

    A block: kernel 3, batch norm without gains, ELU, kernel 3; plus its input; then layer norm and ELU. Nearest
    neighbours double the side, means of 2x2 halve it, and then the shortcut has a convolution of kernel 1. G: a linear
    layer with layer norm and ELU to the smallest map, blocks that double the side, a convolution of kernel 3, tanh. D:
    two blocks that halve the side, the first without batch norm, two that keep it, and a convolution of kernel 4 and
    stride 2 whose mean over the pixels is the query of `key` dimensions. The authors have `batchnorm: both`: at
    32x32x3 G has 2,024,707 parameters and D 2,103,808. With `memory_gan` the first `key` of the z latents are a key of
    the memory, the others the noise; it has `slots` 16384, `key` 512, `top` 256 and `info_weight` 1e-6 for CIFAR-10.
    """

    version: ClassVar[int] = 1
    source: ClassVar[str] = "Kim, Song and Kim 2018, arXiv:1803.01500, the authors' code (whyjay/memoryGAN), cifar10"
    parts: ClassVar[frozenset[str]] = QUERY

    z: Count = 528
    prior: Literal["normal", "uniform"] = "uniform"
    key: Count = 512
    width: Count = 128
    init_std: Positive = 0.02  # of the weights, drawn from a truncated normal

    def generator(self, space: Space) -> nn.Module:
        sides, width, norm = halvings(side(space)), self.width, _norm(self.g_batchnorm)
        flat = width * sides[-1] ** 2
        stack = [layers.uninitialised(nn.Linear, self.z, flat, bias=False), layer_norm(flat), nn.ELU()]
        stack += [nn.Unflatten(1, (width, sides[-1], sides[-1]))]
        stack += [layer for _ in sides[1:] for layer in _block(width, width, "up", norm)]
        net = nn.Sequential(*stack, conv(width, space.shape[0], 3), nn.Tanh())
        return weights.initialise(net, weights.truncated_normal(self.init_std))

    def discriminator(self, space: Space) -> nn.Module:
        width, norm, left = self.width, _norm(self.d_batchnorm), side(space) // 4
        stack = _block(space.shape[0], width, "down", None)
        resamples: tuple[Resample, ...] = ("down", "none", "none")
        stack += [layer for resample in resamples for layer in _block(width, width, resample, norm)]
        net = nn.Sequential(*stack, *halve(QUERY_KERNEL, left, width, self.key), layers.Pool("mean"))
        return QueryDiscriminator(weights.initialise(net, weights.truncated_normal(self.init_std)))

    def unsupported(self, space: Space) -> str | None:
        if halvings(side(space)):
            return None
        return f"memory_resnet takes {HALVED}, not {described(space)}: use memory_mlp"


def _norm(wanted: bool) -> Norm | None:
    return partial(BatchNorm, gain=False) if wanted else None


def _block(inputs: int, outputs: int, resample: Resample, norm: Norm | None) -> list[nn.Module]:
    up: list[nn.Module] = [nn.Upsample(scale_factor=2)] if resample == "up" else []
    down: list[nn.Module] = [nn.AvgPool2d(2)] if resample == "down" else []
    start = [*up, conv(inputs, outputs, 3, bias=norm is None), *layers.activated(nn.ELU(), outputs, norm)]
    shortcut = [] if resample == "none" else [*up, conv(inputs, outputs, 1), *down]
    return [Residual([*start, conv(outputs, outputs, 3), *down], shortcut), layer_norm(outputs), nn.ELU()]
