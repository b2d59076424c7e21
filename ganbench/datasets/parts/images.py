"""Images from a folder or a zip archive. An archive is read without extracting it."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganbench.datasets.parts.files import digest
from ganbench.errors import RequestError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    RuntimeError,
    zlib.error,
    zipfile.BadZipFile,
    Image.DecompressionBombError,
)

Reader = Callable[[str], bytes]  # the bytes of the named image


@dataclass(frozen=True)
class Form:
    """The format of images: their centred square, resized by PIL's antialiased Lanczos filter if necessary."""

    side: int | None  # the final height and width; None keeps the size of images that are squares of one size
    channels: int  # 1 for grey, 3 for RGB
    crop: int | None = None  # side of the square before it is resized; None: the largest one


def listed(place: Path) -> list[str]:
    """The names of the images in a folder or zip archive, relative to it and sorted, without hidden and other files."""
    with _opened(place) as (names, _):
        return names


def content_hash(place: Path) -> str:
    """The SHA-256 of a zip archive's bytes, or of the names and bytes of a folder's images."""
    if place.is_file():
        return digest(place)
    lines = "".join(f"{name}\0{digest(place / name)}\n" for name in listed(place))
    return hashlib.sha256(lines.encode()).hexdigest()


def labels(names: list[str]) -> tuple[Tensor | None, int]:
    """Each image's class, which is its folder, and the number of classes; (None, 0) for a single folder."""
    folders = [str(PurePosixPath(name).parent) for name in names]
    classes = {folder: i for i, folder in enumerate(sorted(set(folders)))}
    if len(classes) < 2:
        return None, 0
    return torch.tensor([classes[folder] for folder in folders]), len(classes)


def read_images(place: Path, form: Form, chosen: list[str] | None = None) -> Tensor:
    """The chosen images, or all in the order of `listed`, as uint8 (n, channels, side, side)."""
    with _opened(place) as (every, read):
        names = every if chosen is None else chosen
        side = form.side or _side(place, names[0], read)
        samples = np.empty((len(names), form.channels, side, side), dtype=np.uint8)
        for i, name in enumerate(names):
            image = decoded(str(place / name), partial(read, name))
            if form.side is None and image.size != (side, side):
                raise _uneven(place, name, image, f"the first one, {names[0]}, is {side}x{side}")
            samples[i] = pixels(image, form)
    return torch.from_numpy(samples)


def read_side(place: Path) -> int:
    """The height and width of the first image, which must be a square."""
    with _opened(place) as (names, read):
        return _side(place, names[0], read)


def _side(place: Path, name: str, read: Reader) -> int:
    image = decoded(str(place / name), partial(read, name))
    if image.width != image.height:
        raise _uneven(place, name, image, "that is not a square")
    return image.width


def pixels(image: Image.Image, form: Form) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """One image in the given format, uint8 (channels, side, side)."""
    image = image.convert("L" if form.channels == 1 else "RGB")
    square = form.crop or min(image.size)
    side = form.side or square
    if image.size != (square, square):
        left, top = (image.width - square) // 2, (image.height - square) // 2
        image = image.crop(
            (left, top, left + square, top + square)
        )  # resize(box=...) would use pixels outside the crop
    if side != square:
        image = image.resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.uint8).reshape(side, side, form.channels).transpose(2, 0, 1)


def decoded(where: str, read: Callable[[], bytes]) -> Image.Image:
    """The image in the bytes that `read` returns. `where` names it in error messages."""
    try:
        image = Image.open(io.BytesIO(read()))
        image.load()
    except UNREADABLE as error:
        todo = "replace or remove the file"
        raise RequestError(where, f"the image can't be read ({error})", "whole image files", todo) from error
    if image.mode[0] in "IF":
        raise RequestError(where, f"its pixels have more than 8 bits ({image.mode})", "8 bits a channel", "convert it")
    return image


def _uneven(place: Path, name: str, image: Image.Image, why: str) -> RequestError:
    given = f"the image is {image.width}x{image.height}, and {why}"
    allowed = "without 'size' all images must be squares of one size"
    return RequestError(
        str(place / name),
        given,
        allowed,
        "crop and resize them, or set 'size' of the dataset 'images', which does both",
    )


@contextmanager
def _opened(place: Path) -> Iterator[tuple[list[str], Reader]]:
    """The images' names, and a function that reads one of them."""
    if place.is_dir():
        files = (path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())
        yield _images(place, files), lambda name: (place / name).read_bytes()
    elif zipfile.is_zipfile(place):
        with zipfile.ZipFile(place) as archive:
            yield _images(place, archive.namelist()), archive.read
    else:
        raise RequestError(
            str(place),
            "it is neither a folder nor a zip archive",
            "a folder or a zip archive of images",
            "correct the path",
        )


def _images(place: Path, files: Iterable[str]) -> list[str]:
    names = sorted(name for name in files if _is_image(PurePosixPath(name)))
    if not names:
        allowed = f"files whose names end in {' '.join(sorted(SUFFIXES))}"
        raise RequestError(str(place), "there is no image in it", allowed, "correct the path")
    return names


def _is_image(path: PurePosixPath) -> bool:
    return path.suffix.lower() in SUFFIXES and not any(part.startswith((".", "__MACOSX")) for part in path.parts)
