"""Files and folders: written atomically, read with a check, and removed whatever they are. Standard library only.

A path of a results folder may hold something else than what was written: a folder, a pipe, a damaged file. Reading it
raises `OSError` or `ValueError` and never waits.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from contextlib import suppress
from errno import EINVAL, EISDIR
from io import FileIO
from pathlib import Path
from typing import Any

DIGEST = "sha256"  # the key of a file's own digest
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # opening a pipe would wait for its writer


def write_json(path: Path, body: dict[str, Any]) -> None:
    """Replace a JSON file atomically."""
    write_bytes(path, (json.dumps(body, indent=1, allow_nan=False) + "\n").encode())


def write_signed_json(path: Path, body: dict[str, Any]) -> None:
    """Replace a JSON file of a results folder atomically. Its key `sha256` holds the digest of all others."""
    make_way(path)
    plain = json.loads(json.dumps(body, allow_nan=False))
    plain.pop(DIGEST, None)
    write_json(path, plain | {DIGEST: _digest(plain)})


def signed_json(content: bytes) -> dict[str, Any]:
    """The object in a JSON file, without its digest. Raises `ValueError`, also where the digest does not match.

    A file without a digest, as ganbench 0.1 wrote it, is taken as it is.
    """
    try:
        body = json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(body, dict):
        raise ValueError("it is not a JSON object")
    digest = body.pop(DIGEST, None)
    if digest is not None and digest != _digest(body):
        raise ValueError("its content is not what was written")
    return body


def read_bytes(path: Path | str) -> bytes | None:
    """The content of a file, or None if there is none. Raises `OSError`, also for what is not a regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_WAIT)
    except FileNotFoundError:
        return None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        code, text = (EISDIR, "it is a folder") if stat.S_ISDIR(mode) else (EINVAL, "it is a pipe or a device")
        raise OSError(code, text, str(path))
    with FileIO(descriptor) as file:
        return file.readall()


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Replace a file atomically: a reader sees either the old content or the new content.

    Raises `OSError` with the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            _sync(file)
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename is None:  # a full disk names no file
            error.filename = str(path)
        raise


def make_way(path: Path) -> None:
    """Remove what is in the place of a file of a results folder and is not a file: a folder, a pipe."""
    if path.exists() and not path.is_file():
        remove(path)


def remove(path: Path) -> None:
    """Remove a file or a folder, whichever is there."""
    if path.is_dir() and not path.is_symlink():  # of a pipe, `rmtree` would wait for its writer
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
