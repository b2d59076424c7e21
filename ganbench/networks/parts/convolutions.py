"""Convolutions that halve the side of an image and transposed ones that double it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganbench.networks.parts.layers import blank


@dataclass(frozen=True)
class Kernel:
    """A square kernel of stride 2, and what it does at the border."""

    size: int = 5
    tf_same: bool = False  # where the padding is not symmetric, TensorFlow's surplus is at bottom and right

    def padding(self, side: int) -> tuple[int, int]:
        """Of an image of that side: the padding at top and left, and how much more there is at bottom and right."""
        if self.tf_same:
            whole = self.size - 2 + side % 2
            return whole // 2, whole % 2
        return (self.size - 1) // 2, 0


def halve(kernel: Kernel, side: int, inputs: int, outputs: int, bias: bool = True) -> list[nn.Module]:
    """A convolution from images of that side to half of it."""
    before, surplus = kernel.padding(side)
    if not surplus:
        return [blank(nn.Conv2d, inputs, outputs, kernel.size, stride=2, padding=before, bias=bias)]
    pad = nn.ZeroPad2d((before, before + surplus, before, before + surplus))
    return [pad, blank(nn.Conv2d, inputs, outputs, kernel.size, stride=2, bias=bias)]


def double(kernel: Kernel, side: int, inputs: int, outputs: int, bias: bool = True) -> list[nn.Module]:
    """A transposed convolution to images of that side from half of it, rounded up where it is odd (4 -> 7).

    With TensorFlow's padding the surplus of rows and columns is cropped.
    """
    before, surplus = kernel.padding(side)
    more = 0 if kernel.tf_same else (side + kernel.size) % 2
    size = {"stride": 2, "padding": before, "output_padding": more}
    convolution = blank(nn.ConvTranspose2d, inputs, outputs, kernel.size, bias=bias, **size)
    return [convolution, nn.ZeroPad2d((0, -surplus, 0, -surplus))] if surplus else [convolution]
