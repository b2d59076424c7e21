"""Changes of the colours of images (n, c, h, w), by numbers (n,); the number that changes nothing keeps every bit."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def brightened(x: Tensor, by: Tensor) -> Tensor:
    """The images with this added to every value."""
    return x + _per_image(by)


def contrasted(x: Tensor, change: Tensor, centre: Tensor | float = 0.0) -> Tensor:
    """The distances from the `centre`, a grey or one for each image, times 1 + `change`."""
    return x + _per_image(change) * (x - centre)


def saturated(x: Tensor, change: Tensor) -> Tensor:
    """The distances of the channels of a pixel from their mean, times 1 + `change`."""
    return x + _per_image(change) * (x - x.mean(1, keepdim=True))


def luma_flipped(x: Tensor, which: Tensor) -> Tensor:
    """Where `which` is true, the mean of the channels of each pixel is negated and its colour stays."""
    return torch.where(_per_image(which), x - 2 * x.mean(1, keepdim=True), x)


def hue_rotated(x: Tensor, angle: Tensor) -> Tensor:
    """Colours of 3 channels turned by `angle`, in radians, about the axis of the greys (Rodrigues' formula)."""
    colour = x - x.mean(1, keepdim=True)
    across = (x.roll(1, 1) - x.roll(-1, 1)) / math.sqrt(3)
    return x + _per_image(angle.cos() - 1) * colour + _per_image(angle.sin()) * across


def _per_image(number: Tensor) -> Tensor:
    return number[:, None, None, None]
