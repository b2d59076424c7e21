"""Image files of unusual kinds, written byte by byte where Pillow can't write them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int, width: int = 8, height: int = 8, channels: int = 3) -> np.ndarray:
    """uint8 (height, width, channels)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def save(place: str | Path, seed: int = 0, **options: object) -> None:
    """A small RGB image; options are those of Pillow."""
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(seed)).save(place, **options)  # type: ignore[arg-type]


def deep_png(channels: int) -> bytes:
    """An 8 x 8 PNG of 16 bits a channel: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA."""
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + noise(row, 8, 1, 2 * channels).tobytes() for row in range(8))
    head = struct.pack(">IIBBBBB", 8, 8, 16, kind, 0, 0, 0)
    body = (b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in body
    )


def deep_tiff() -> bytes:
    """An 8 x 8 RGB TIFF of 16 bits a channel, uncompressed."""
    tags = [(256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 140)]
    tags += [(277, 3, 1, 3), (278, 3, 1, 8), (279, 4, 1, 384), (284, 3, 1, 1)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return head + struct.pack("<HHH", 16, 16, 16) + noise(0, 8, 8, 6).tobytes()


def deep_ppm() -> bytes:
    """An 8 x 8 PPM with values to 65535 and a comment in its header."""
    return b"P6 # deep\n8 8\n# more\n65535\n" + noise(0, 8, 8, 6).tobytes()
