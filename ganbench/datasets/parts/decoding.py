"""One image file: decoded upright, with what a user should know of it. Files of more than 8 bits are refused."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ganbench.errors import RequestError

UNREADABLE = (
    OSError,
    EOFError,
    SyntaxError,
    TypeError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
    Image.DecompressionBombError,
)
EXIF_MARKS = (b"Exif", b"EXIF", b"eXIf", b"exif", b"tiff:Orientation")
BITS_PER_SAMPLE = 258  # TIFF's tag


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image, upright.

    `frames`: how many the file holds; the first is read. `transparent`: some pixel is not opaque.
    """

    image: Image.Image
    frames: int
    turned: bool
    transparent: bool


def decoded(where: str, read: Callable[[], bytes]) -> DecodedImage:
    """The image in the bytes that `read` returns. `where` names it in error messages."""
    try:
        picture, depth = _decoded(read())
    except UNREADABLE as error:
        given, todo = f"the image can't be read ({_reason(error)})", "replace or remove the file"
        raise RequestError(where, given, "whole image files", todo) from error
    if depth:
        raise RequestError(where, f"its pixels have more than 8 bits ({depth})", "8 bits a channel", "convert it")
    return picture


def _decoded(body: bytes) -> tuple[DecodedImage, str]:
    """The image, and its depth in words if it has more than 8 bits a channel."""
    if not body:
        raise ValueError("the file is empty")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about odd metadata
        image = Image.open(io.BytesIO(body))
        if image.format == "EPS":  # whatever the file's name; Pillow would start Ghostscript
            raise ValueError("it is an EPS file, which is a program")
        depth, frames = _depth(image, body), int(getattr(image, "n_frames", 1))
        image.load()
        orientation = _orientation(image)
        upright = ImageOps.exif_transpose(image) if orientation != 1 else image
        picture = DecodedImage(upright, frames, orientation != 1, _is_transparent(upright))
    if image.mode[0] in "IF":
        return picture, image.mode
    return picture, f"{image.format}, {depth} bits a channel" if depth > 8 else ""


def is_turned(body: bytes) -> bool:
    """Whether the file says that its pixels have to be turned or mirrored. Pillow itself turns TIFF files."""
    if not any(mark in body for mark in EXIF_MARKS):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            image = Image.open(io.BytesIO(body))
            return image.format != "TIFF" and _orientation(image) != 1
    except UNREADABLE:  # `decoded` will say so
        return False


def _reason(error: Exception) -> str:
    """The error in words; Pillow's own names the place of an object in memory."""
    return "its image format is unknown" if isinstance(error, UnidentifiedImageError) else str(error)


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1..8; 1 is upright, also where the metadata are damaged."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except UNREADABLE:
        return 1
    return value if value in range(1, 9) else 1


def _is_transparent(image: Image.Image) -> bool:
    if image.mode not in ("LA", "La", "PA", "RGBA", "RGBa") and "transparency" not in image.info:
        return False
    low: Any = image.convert("RGBA").getchannel("A").getextrema()[0]
    return bool(low < 255)


def _depth(image: Image.Image, body: bytes) -> int:
    """The bits of a channel in the file. Pillow gives colour images of more bits as 8 bits a channel."""
    kind: str = image.format or ""
    reader = DEPTHS.get(kind)
    return reader(image, body) if reader else 8


def _png(_: Image.Image, body: bytes) -> int:
    return body[24]  # in IHDR, which comes first


def _tiff(image: Any, _: bytes) -> int:
    return max(map(int, image.tag_v2.get(BITS_PER_SAMPLE, (8,))))


def _ppm(_: Image.Image, body: bytes) -> int:
    """The bits of the largest value, which is the fourth word of the header; P1 and P4 have none."""
    if body[:2] in (b"P1", b"P4") or body[:1] != b"P":
        return 8
    if body[:2] == b"P7":  # PAM
        words = body[:512].split()
        return int(words[words.index(b"MAXVAL") + 1]).bit_length()
    words = [word for line in body[:4096].splitlines() for word in line.partition(b"#")[0].split()]
    return int(words[3]).bit_length()


def _jpeg2000(_: Image.Image, body: bytes) -> int:
    """Of the SIZ marker: 38 bytes, then 3 for each component, the first of which is its bits less one, and a sign."""
    start = body.index(b"\xff\x4f\xff\x51") + 2
    (components,) = struct.unpack_from(">H", body, start + 38)
    return max((body[start + 40 + 3 * i] & 0x7F) + 1 for i in range(components))


def _avif(_: Image.Image, body: bytes) -> int:
    """Of the box av1C: the third byte says high bit depth and twelve bits."""
    start = body.find(b"av1C")
    flags = body[start + 6] if start >= 0 else 0
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def _sgi(_: Image.Image, body: bytes) -> int:
    return 8 * body[3]


DEPTHS: dict[str, Callable[[Image.Image, bytes], int]] = {
    "PNG": _png,
    "TIFF": _tiff,
    "PPM": _ppm,
    "JPEG2000": _jpeg2000,
    "AVIF": _avif,
    "SGI": _sgi,
}
