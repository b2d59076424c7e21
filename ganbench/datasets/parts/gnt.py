"""CASIA's files of handwritten characters (.gnt). A record is a size, a label, a width, a height and a grey bitmap."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ganbench.datasets.parts.files import digest
from ganbench.datasets.parts.listing import Entry, entries, left_out_text
from ganbench.errors import RequestError

HEAD = struct.Struct("<I2sHH")  # size of the record in bytes, GB code with its first byte first, width, height
ALLOWED = "a record is its size (4 bytes), a GB code (2), width (2), height (2) and width x height bytes"

Bitmap = np.ndarray[tuple[int, int], np.dtype[np.uint8]]  # (height, width), 255 is paper


def files(place: Path) -> list[Path]:
    """The .gnt files in a folder and its subfolders, sorted; or the file itself."""
    if place.is_file():
        return [place]
    found = entries(place)
    characters = [place / entry.name for entry in found if not entry.problem and _is_gnt(entry)]
    if not characters:
        allowed = "a .gnt file or a folder of .gnt files"
        raise RequestError(str(place), "there is no .gnt file in it", allowed, "correct the path")
    return sorted(characters)


def notes(place: Path) -> tuple[str, ...]:
    """What was left out of a folder, in a sentence."""
    found = entries(place) if place.is_dir() else []
    left_out = [(entry.problem or "other files", entry.name) for entry in found if entry.problem or not _is_gnt(entry)]
    read = len(found) - len(left_out)
    return (f"{place}: {read} .gnt files read, {left_out_text(left_out)}",) if left_out else ()


def _is_gnt(entry: Entry) -> bool:
    return Path(entry.name).suffix.lower() == ".gnt"


def content_hash(place: Path) -> str:
    """The SHA-256 of the names and bytes of the files."""
    lines = "".join(f"{file.relative_to(place)}\0{digest(file)}\n" for file in files(place))
    return hashlib.sha256(lines.encode()).hexdigest()


def records(place: Path) -> Iterator[tuple[int, Bitmap]]:
    """The GB code (256 times the first byte plus the second) and the bitmap of every character, file by file."""
    for file in files(place):
        body, start = _bytes(file), 0
        while start < len(body):
            size, code, width, height = HEAD.unpack(_part(file, body, start, HEAD.size))
            if size != HEAD.size + width * height or not width * height:
                given = f"the record at byte {start} gives a size of {size} bytes for {width} x {height} pixels"
                raise RequestError(str(file), given, ALLOWED, "replace the file")
            pixels = np.frombuffer(_part(file, body, start, size), np.uint8, offset=HEAD.size)
            yield int.from_bytes(code, "big"), pixels.reshape(height, width)
            start += size


def _part(file: Path, body: bytes, start: int, size: int) -> bytes:
    """The `size` bytes that start at `start`."""
    part = body[start : start + size]
    if len(part) < size:
        given = f"the file ends at byte {len(body)}, within the record that starts at byte {start}"
        raise RequestError(str(file), given, ALLOWED, "replace the file")
    return part


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        given, todo = f"the file can't be read ({error.strerror})", "correct the path or the permissions"
        raise RequestError(str(file), given, "", todo) from error
