"""Printed digits: drawn once at a large size, then rotated, moved and scaled down."""

from __future__ import annotations

from functools import cache
from importlib.metadata import distribution

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample

SIDE = 28
FONT = "matplotlib/mpl-data/fonts/ttf/STIXGeneral.ttf"  # a typeface similar to Times, which is part of matplotlib
POINTS = 27  # digits are 18 pixels high, so that a shift of 3 pixels and a rotation of 15 degrees keep them inside
ZOOM = 9  # the factor of the large size, at which the outlines decide the pixels and the font's hints don't


def printed(y: Tensor, degrees: Tensor, shift: Tensor) -> Tensor:
    """The digits y (n,) as uint8 images (n, 1, 28, 28), white on black, in the middle of the image.

    Each is rotated counterclockwise about the middle by `degrees` (n,), then moved down and right by `shift` (n, 2)
    pixels.
    """
    angle = torch.deg2rad(degrees.double())
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(-1, 2, 2)
    origin = (
        -turn @ (shift.flip(1).double() * (2 / SIDE))[:, :, None]
    )  # grid coordinates run from -1 to 1, columns first
    grid = affine_grid(torch.cat([turn, origin], dim=2), [len(y), 1, SIDE, SIDE], align_corners=False)
    x = torch.empty(len(y), 1, SIDE, SIDE, dtype=torch.uint8)
    for digit, glyph in enumerate(large()):
        places = grid[y == digit].view(1, -1, SIDE, 2)
        pixels = grid_sample(glyph[None, None], places, align_corners=False).view(-1, 1, SIDE, SIDE)
        x[y == digit] = pixels.round().clamp(0, 255).to(torch.uint8)
    return x


@cache
def large() -> Tensor:
    """The ten digits (10, 252, 252) in 0..255; each value is the mean ink of a final-size pixel centred there."""
    font = ImageFont.truetype(str(distribution("matplotlib").locate_file(FONT)), POINTS * ZOOM)
    glyphs = torch.from_numpy(np.stack([_drawn(str(digit), font) for digit in range(10)]))
    return avg_pool2d(glyphs.double(), ZOOM, stride=1, padding=ZOOM // 2)


def _drawn(text: str, font: ImageFont.FreeTypeFont) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The text in the middle of a large image, as its ink in 0..255."""
    image = Image.new("L", (SIDE * ZOOM, SIDE * ZOOM))
    left, top, right, bottom = font.getbbox(text)
    place = ((image.width - left - right) / 2, (image.height - top - bottom) / 2)
    ImageDraw.Draw(image).text(place, text, fill=255, font=font)
    return np.asarray(image, dtype=np.uint8)
