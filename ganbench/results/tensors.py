"""Tensors in files, written atomically with a digest and read without running any code in the file.

A file is what `torch.save` writes, followed by the SHA-256 of these bytes; `torch.load` reads it too. ganbench 0.1
wrote checkpoints without the digest. Such a file is a zip archive, whose CRC-32 checksums show a changed tensor too.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ganbench.errors import DamagedRun
from ganbench.results.files import make_way, read_bytes, write_bytes

DIGEST = 32  # bytes of a SHA-256
ZIP_END, ZIP_END_SIZE = b"PK\x05\x06", 22  # the record that ends a zip archive
BLOCK = 2**20  # bytes read at once


def save(path: Path, tensors: Any) -> None:
    """Write tensors, numbers, or dictionaries of these."""
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    buffer.write(hashlib.sha256(buffer.getbuffer()).digest())
    make_way(path)
    write_bytes(path, buffer.getbuffer())


def load(path: Path, device: str, note: Callable[[str], None] | None = None) -> Any:
    """What was saved, on a device; None where there is no such file. Raises `DamagedRun` for one that has changed.

    `note` is called with a sentence for a file of 0.1 whose checksums hold; without `note`, such a file is damaged.
    """
    try:
        content = read_bytes(path)
    except OSError as error:
        raise _damaged(path, str(error.strerror)) from None
    if content is None:
        return None
    body = content[:-DIGEST]
    if hashlib.sha256(body).digest() != content[-DIGEST:]:
        if note is None or not _holds_by_checksums(content):
            raise _damaged(path, "its content is not what was written")
        note("checkpoints of ganbench 0.1 have no SHA-256; they are used where their CRC-32 checksums hold")
        body = content
    try:
        return torch.load(io.BytesIO(body), map_location=device, weights_only=True)
    except Exception as error:  # torch raises many types
        raise _damaged(path, type(error).__name__) from error


def is_whole(path: Path) -> bool:
    """Whether this is a file that ends with the SHA-256 of what comes before."""
    if not path.is_file():
        return False
    rest, digest = path.stat().st_size - DIGEST, hashlib.sha256()
    with path.open("rb") as file:
        while rest > 0 and (block := file.read(min(rest, BLOCK))):
            digest.update(block)
            rest -= len(block)
        return file.read() == digest.digest()


def _holds_by_checksums(content: bytes) -> bool:
    """Whether this is a whole zip archive and nothing more: a file with a digest never is, however it was changed."""
    if content[-ZIP_END_SIZE:][: len(ZIP_END)] != ZIP_END:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.testzip() is None
    except Exception:  # zipfile raises many types for a damaged archive
        return False


def _damaged(path: Path, why: str) -> DamagedRun:
    return DamagedRun(str(path), f"damaged: {why}", todo="the run is done again")
