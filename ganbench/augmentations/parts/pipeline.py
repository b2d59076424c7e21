"""The pipeline of adaptive discriminator augmentation: which transformations an image has, and how strong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from ganbench.augmentations.parts.colours import brightened, contrasted, hue_rotated, luma_flipped, saturated
from ganbench.augmentations.parts.geometry import moved, resampled, rotated, scaled

BLIT = ("flip", "quarter", "shift")
GEOMETRY = ("scale", "before", "aspect", "after", "drift")  # a rotation before and one after the change of aspect
COLOUR = ("brightness", "contrast", "luma", "hue", "saturation")
STEPS = (*BLIT, *GEOMETRY, *COLOUR)
# The numbers of U(0, 1) and of N(0, 1) that they need.
UNIFORM = ("flip", "quarter", "shift_x", "shift_y", "before", "after", "luma", "hue")
NORMAL = ("scale", "aspect", "drift_x", "drift_y", "brightness", "contrast", "saturation")

# Ranges and standard deviations of the paper's appendix B; those of factors are of their logarithm to the base 2.
SHIFT = DRIFT = 0.125  # of a side
SCALE = ASPECT = 0.2
BRIGHTNESS = 0.2
CONTRAST = 0.5
SATURATION = 1.0


@dataclass(frozen=True)
class Drawn:
    """The draws for n images, (n,) each."""

    on: Mapping[str, Tensor]  # whether an image has each of `STEPS`
    uniform: Mapping[str, Tensor]
    normal: Mapping[str, Tensor]

    @classmethod
    def of(cls, noise: Mapping[str, Tensor], chances: Tensor) -> Drawn:
        """From draws (n, k) and the probability of each of `STEPS`."""
        on = dict(zip(STEPS, (noise["on"] < chances).unbind(1), strict=True))
        uniform = dict(zip(UNIFORM, noise["uniform"].unbind(1), strict=True))
        return cls(on, uniform, dict(zip(NORMAL, noise["normal"].unbind(1), strict=True)))

    def half(self, step: str) -> Tensor:
        """Whether an image has a step that half of the images with it are spared."""
        return self.on[step] & (self.uniform[step] >= 0.5)

    def angle(self, step: str) -> Tensor:
        """Uniform in a full turn, or 0 for images without the step."""
        return self._where(step, math.pi * (2 * self.uniform[step] - 1), 0)

    def length(self, step: str, axis: str, side: int) -> Tensor:
        """A shift in pixels along an axis, whole for `shift`; 0 for images without the step."""
        if step == "shift":
            return self._where(step, (SHIFT * side * (2 * self.uniform[f"shift_{axis}"] - 1)).round(), 0)
        return self._where(step, DRIFT * side * self.normal[f"drift_{axis}"], 0)

    def factor(self, step: str, deviation: float) -> Tensor:
        """A log-normal factor, or 1 for images without the step."""
        return self._where(step, (deviation * self.normal[step]).exp2(), 1)

    def quarters(self) -> Tensor:
        """The angle of 0 to 3 quarter turns."""
        return self._where("quarter", (4 * self.uniform["quarter"]).floor() * (math.pi / 2), 0)

    def brightness(self) -> Tensor:
        """What is added to every value."""
        return self._where("brightness", BRIGHTNESS * self.normal["brightness"], 0)

    def _where(self, step: str, value: Tensor, otherwise: float) -> Tensor:
        return torch.where(self.on[step], value, otherwise)


def placed(x: Tensor, drawn: Drawn) -> Tensor:
    """Images (n, c, h, w) after pixel blitting and geometry, resampled once."""
    height, width = x.shape[2:]
    flip, one = 1 - 2 * drawn.half("flip").to(x), torch.ones_like(x[:, 0, 0, 0])
    scale, aspect = drawn.factor("scale", SCALE), drawn.factor("aspect", ASPECT)
    places = [
        scaled(flip, one),
        rotated(drawn.quarters()),
        moved(drawn.length("shift", "x", width), drawn.length("shift", "y", height)),
        scaled(scale, scale),
        rotated(drawn.angle("before")),
        scaled(aspect, 1 / aspect),
        rotated(drawn.angle("after")),
        moved(drawn.length("drift", "x", width), drawn.length("drift", "y", height)),
    ]
    return resampled(x, reduce(torch.matmul, places))


def coloured(x: Tensor, drawn: Drawn) -> Tensor:
    """Images (n, 1 or 3, h, w) with other colours; other numbers of channels have no probability of it."""
    x = brightened(x, drawn.brightness())
    x = contrasted(x, drawn.factor("contrast", CONTRAST) - 1)
    x = luma_flipped(x, drawn.half("luma"))
    if x.shape[1] != 3:
        return x
    x = hue_rotated(x, drawn.angle("hue"))
    return saturated(x, drawn.factor("saturation", SATURATION) - 1)
