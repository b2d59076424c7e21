"""Samples as PNG: a grid of images, or the density of points in the plane."""

from __future__ import annotations

import io
import math
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw
from torch import Generator, Tensor

from ganbench.results.real import picture_at, write_once
from ganbench.spec import plain

if TYPE_CHECKING:
    from pathlib import Path

    from ganbench.datasets.base import Data, Dataset

PICTURED, POINTS = 64, 2000  # images in the picture of a run or of a data set; points in that of a data set
SIDE = 512  # the smallest side of a picture, in pixels
INK = np.array([23, 78, 166])  # the colour of a dense region, on white
MODE, AROUND = (213, 94, 0), 8  # the colour of the circle around the centre of a mode, and its radius in pixels


def png(samples: Tensor, columns: int | None = None, centres: Tensor | None = None) -> bytes:
    """uint8 images (n, c, h, w) as a grid, square without `columns`; float points (n, d) as the density of their first
    two coordinates, with a circle around each of the `centres` (k, d) of the true modes.
    """
    return _encoded(_drawn(samples, columns, centres))


def keep_real(root: Path, dataset: Dataset, data: Data) -> None:
    """Write the picture of real training samples into a results folder, if it is not there.

    It has no influence on a run: where nothing can be written, reports go without it.
    """
    with suppress(OSError):
        write_once(picture_at(root, plain(dataset)), lambda: _real(data))


def single(sample: Tensor) -> bytes:
    """PNG of one uint8 image (c, h, w) as it is: grey for one channel, RGB for three."""
    return _encoded(sample.permute(1, 2, 0).numpy())


def pairs(generated: Tensor, real: Tensor) -> bytes:
    """PNG of pairs. Images (n, c, h, w) are side by side, the generated image on the left.

    For points (n, d) it shows the first two coordinates: a dot at each generated point and a line to its real point.
    """
    images = generated.dim() == 4
    drawn, target = generated.numpy(), real.numpy()
    return _encoded(grid(np.concatenate([drawn, target], axis=3)) if images else lines(drawn, target))


def lines(starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(n, d) and (n, d) floats -> an (H, W, 3) uint8 picture of the square that contains all of them."""
    both = np.stack([starts, ends])[..., :2]
    plane = both if both.shape[2] == 2 else np.concatenate([both, np.zeros_like(both)], axis=2)
    reach = max(1e-9, 1.1 * float(np.abs(plane).max()))
    pixels = (plane * [1, -1] / reach + 1) / 2 * SIDE
    image = Image.new("RGB", (SIDE, SIDE), "white")
    pen, ink = ImageDraw.Draw(image), tuple(INK.tolist())
    for (x, y), end in zip(pixels[0].tolist(), pixels[1].tolist(), strict=True):
        pen.line([(x, y), tuple(end)], fill=ink)
        pen.ellipse([x - 2, y - 2, x + 2, y + 2], fill=ink)
    return np.asarray(image)


def grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """(n, c, h, w) uint8 -> an (H, W, 3) uint8 picture, or (H, W, 1) of grey images, which takes less time to write.

    Tiles are enlarged by a whole factor and one pixel apart.
    """
    side = math.ceil(math.sqrt(len(images)))
    rows, columns = (side, side) if columns is None else (math.ceil(len(images) / columns), columns)
    channels, height, width = images.shape[1:]
    colours = 1 if channels == 1 else 3
    factor = max(1, SIDE // max(rows * height, columns * width))
    tiles = np.full((rows * columns, colours, height * factor + 1, width * factor + 1), 255, np.uint8)
    tiles[: len(images), :, :-1, :-1] = images.repeat(factor, 2).repeat(factor, 3)[:, :3]
    lines = tiles.reshape(rows, columns, *tiles.shape[1:]).transpose(0, 3, 1, 4, 2)
    picture: np.ndarray = lines.reshape(rows * tiles.shape[2], columns * tiles.shape[3], colours)
    return picture


def density(points: np.ndarray, centres: np.ndarray | None = None) -> np.ndarray:
    """(n, d) floats -> an (H, W, 3) uint8 picture of the square that contains all points, at least [-1.5, 1.5].

    A circle stands around each of the `centres` (k, d), which are all within the square.
    """
    finite = points[np.isfinite(points).all(1)]
    first, second = finite[:, 0], finite[:, 1] if finite.shape[1] > 1 else np.zeros(len(finite))
    marked = np.zeros((0, 2)) if centres is None else centres
    reach = max(1.5, *(1.1 * float(np.abs(shown[:, :2]).max(initial=0)) for shown in (finite, marked)))
    edges = np.linspace(-reach, reach, SIDE // 4 + 1)
    counts = np.histogram2d(-second, first, bins=(edges, edges))[0]  # rows run downwards
    share = np.sqrt(counts / max(1.0, counts.max()))[..., None]
    picture: np.ndarray = (255 * (1 - share) + INK * share).astype(np.uint8).repeat(4, 0).repeat(4, 1)
    return picture if centres is None else circled(picture, marked / reach)


def circled(picture: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """A picture of the square [-1, 1]^2 with a circle around each of the points (k, d)."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    for centre in centres.tolist():
        across, up = (*centre, 0.0)[:2]
        x, y = (1 + across) / 2 * SIDE, (1 - up) / 2 * SIDE
        pen.ellipse([x - AROUND, y - AROUND, x + AROUND, y + AROUND], outline=MODE, width=2)
    return np.asarray(image)


def _real(data: Data) -> bytes:
    samples = data.draw(PICTURED if data.space.is_image else POINTS, Generator().manual_seed(0))
    return _encoded(_drawn(samples, None, data.modes.centres if data.modes else None))


def _drawn(samples: Tensor, columns: int | None, centres: Tensor | None) -> np.ndarray:
    if samples.dim() == 4:
        return grid(samples.numpy(), columns)
    return density(samples.numpy(), None if centres is None else centres.numpy())


def _encoded(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    image.save(buffer, "PNG", compress_level=1)  # a third more bytes, in two thirds of the time
    return buffer.getvalue()
