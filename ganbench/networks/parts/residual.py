"""Residual blocks of WGAN-GP and SN-GAN, and their initialisation. Only even sides are halved."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from ganbench.networks.parts.convolutions import Kernel, double, halve
from ganbench.networks.parts.labels import Layers, TakesLabels
from ganbench.networks.parts.layers import activated, uninitialised
from ganbench.networks.parts.normalisation import Norm
from ganbench.networks.parts.weights import Layer, initialise

Resample = Literal["up", "down", "none"]  # the block doubles the side, halves it, or keeps it

KERNEL, EVEN = Kernel(3, tf_same=True), 2


class Residual(TakesLabels):
    """shortcut(x) + scale * branch(x); an empty shortcut is x. Conditional layers of the branch get the labels."""

    def __init__(self, branch: list[nn.Module], shortcut: list[nn.Module], scale: float = 1.0) -> None:
        super().__init__()
        self.branch = Layers(*branch)
        self.shortcut = nn.Sequential(*shortcut)
        self.scale = scale

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        total: Tensor = self.shortcut(x) + self.scale * self.branch(x, y)
        return total


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, bias: bool = True) -> nn.Module:
    """A convolution with kernel 1 or 3 that keeps the side, or halves it with kernel 1 and stride 2."""
    return uninitialised(nn.Conv2d, inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=bias)


def basic(channels: int, resample: Resample, norm: Norm | None) -> nn.Module:
    """Norm, ReLU and a convolution of kernel 3, twice. Nearest neighbours double the side, means of 2x2 halve it.

    If the side changes, the shortcut has a convolution of kernel 1.
    """
    up: list[nn.Module] = [nn.Upsample(scale_factor=2)] if resample == "up" else []
    down: list[nn.Module] = [nn.AvgPool2d(2)] if resample == "down" else []
    first = [*activated(nn.ReLU(), channels, norm), *up, conv(channels, channels, 3)]
    second = [*activated(nn.ReLU(), channels, norm), conv(channels, channels, 3), *down]
    return Residual([*first, *second], [] if resample == "none" else [*up, conv(channels, channels, 1), *down])


def first(image: int, channels: int) -> nn.Module:
    """D's first block, from the image to half its side: no norm, no ReLU on the pixels; the shortcut pools first."""
    branch = [conv(image, channels, 3), nn.ReLU(), conv(channels, channels, 3), nn.AvgPool2d(2)]
    return Residual(branch, [nn.AvgPool2d(2), conv(image, channels, 1)])


def bottleneck(inputs: int, outputs: int, resample: Resample, norm: Norm | None) -> nn.Module:
    """ReLU and a convolution, three times, with kernels 1, 3 and 1; then the norm.

    Between the convolutions there are half the channels. The branch is weighted by 0.3. If the side changes, the
    middle convolution changes it, and the shortcut is a convolution of kernel 1, which makes four pixels at once when
    the side doubles. The last convolution has no bias.
    """
    within, without = max(inputs // 2, 1), max(outputs // 2, 1)
    middle, shortcut = {
        "none": ([conv(within, without, 3)], []),
        "down": (halve(KERNEL, EVEN, within, without), [conv(inputs, outputs, 1, stride=2)]),
        "up": (double(KERNEL, EVEN, within, without), [conv(inputs, 4 * outputs, 1), nn.PixelShuffle(2)]),
    }[resample]
    branch = [nn.ReLU(), conv(inputs, within, 1), nn.ReLU(), *middle, nn.ReLU(), conv(without, outputs, 1, bias=False)]
    return Residual([*branch, *([] if norm is None else [norm(outputs)])], shortcut, scale=0.3)


def initialise_residual(net: nn.Module) -> nn.Module:
    """Uniform weights of variance 4 / (inputs + outputs) in the branches, and half of it elsewhere; biases 0."""
    blocks = [block for block in net.modules() if isinstance(block, Residual)]
    in_branch = {id(part) for block in blocks for part in block.branch.modules()}

    def fill(layer: Layer) -> None:
        nn.init.xavier_uniform_(layer.weight, gain=2**0.5 if id(layer) in in_branch else 1.0)

    return initialise(net, fill)
