"""Files and folders: locked, written atomically, and removed whatever they are.

A results folder may come from a stranger: nothing is read or written through a link to a file in it. Standard library
and filelock only.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

LEFT_BEHIND = 24 * 3600  # seconds after which no process still writes a temporary file
_TEMPORARY = re.compile(r"\..+\.([0-9a-f]{16}\.tmp|\d+)")  # the second form is that of 0.1


def lock_file(path: Path) -> FileLock:
    """An OS file lock, not yet acquired. A link at its place is removed: taking the lock would empty its target."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        path.unlink()
    return FileLock(path)


def write_json(path: Path, body: dict[str, Any]) -> None:
    """Replace a JSON file atomically."""
    write_bytes(path, (json.dumps(body, indent=1, allow_nan=False) + "\n").encode())


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Replace a file atomically: a reader sees either the old content or the new content.

    The temporary file beside it has a random name and is opened only if there is nothing of that name, on a file
    system that several machines share too. A link at `path` is replaced, not followed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            _sync(file)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def appending(path: Path) -> IO[bytes]:
    """A file opened for reading and appending. Raises `OSError` where a link is in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "a+b", opener=_without_links)


def read_unlinked(path: str) -> bytes:
    """The content of a file. Raises `OSError`; its errno is ELOOP where a link is in the file's place."""
    with open(path, "rb", buffering=0, opener=_without_links) as file:
        return file.readall()


def is_own_file(folder: Path, path: Path) -> bool:
    """Whether a plain file lies in a folder or in a folder below it, and no link leads to it from there."""
    links = (place.is_symlink() for place in (path, *path.parents) if place.is_relative_to(folder) and place != folder)
    return path.is_file() and not any(links)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, whichever is there. No link is followed."""
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink(missing_ok=True)


def remove_leftovers(folder: Path, file: str = "", age: float = 0.0) -> None:
    """Remove temporary files of killed writers in a folder: those of `file`, or all, that are older than `age` seconds.

    The caller holds the lock of the folder or the file, or gives an age at which no writer can be alive.
    """
    with suppress(OSError):
        for path in folder.glob(f".{file or '*'}.*"):
            if _TEMPORARY.fullmatch(path.name) and time.time() - path.lstat().st_mtime >= age:
                path.unlink()


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
