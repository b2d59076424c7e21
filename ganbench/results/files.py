"""Files and folders: locked, written atomically, read with a check, and removed whatever they are.

A results folder may come from a stranger, or be damaged: nothing is read or written through a link to a file in it, and
what is not a regular file (a folder, a pipe) raises `OSError` and is never waited for. Standard library and filelock
only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EINVAL, EISDIR
from io import FileIO
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

LEFT_BEHIND = 24 * 3600  # seconds after which no process still writes a temporary file
_TEMPORARY = re.compile(r"\..+\.([0-9a-f]{16}\.tmp|\d+)")  # the second form is that of 0.1


DIGEST = "sha256"  # the key of a file's own digest
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # opening a pipe would wait for its writer
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def lock_file(path: Path) -> FileLock:
    """An OS file lock, not yet acquired. A link at its place is removed: taking the lock would empty its target."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        path.unlink()
    return FileLock(path)


@dataclass(frozen=True)
class Owner:
    """The process that writes into a folder, by the token that it has left in a file beside the folder's lock.

    A lock ends without its holder's knowledge where a file server takes a suspended machine for dead. The next process
    leaves a token of its own, so that the first one can see that it is the owner no longer.
    """

    file: Path
    token: str

    @classmethod
    @contextmanager
    def claimed(cls, file: Path) -> Iterator[Owner]:
        """Be the owner; the caller holds the lock."""
        owner = cls(file, f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(8)}")
        write_bytes(file, owner.token.encode())
        try:
            yield owner
        finally:
            with suppress(OSError):
                if owner.is_current():
                    file.unlink()

    def is_current(self) -> bool:
        """Whether no other process has become the owner since."""
        return read_bytes(self.file) == self.token.encode()


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
    """The content of a file, or None if there is none.

    Raises `OSError`, also for what is not a regular file; its errno is ELOOP for a link.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_WAIT | _NO_LINK)
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

    The temporary file beside it has a random name and is opened only if there is nothing of that name, on a file
    system that several machines share too. A link at `path` is replaced, not followed. Raises `OSError` with the path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            _sync(file)
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename is None:  # a full disk names no file
            error.filename = str(path)
        raise


def appending(path: Path) -> IO[bytes]:
    """A file opened for reading and appending. Raises `OSError` where a link is in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "a+b", opener=_without_links)


def is_own_file(folder: Path, path: Path) -> bool:
    """Whether a plain file lies in a folder or in a folder below it, and no link leads to it from there."""
    links = (place.is_symlink() for place in (path, *path.parents) if place.is_relative_to(folder) and place != folder)
    return path.is_file() and not any(links)


def make_way(path: Path) -> None:
    """Remove what is in the place of a file of a results folder and is not a file: a folder, a pipe, a link."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, whichever is there. No link is followed."""
    if path.is_dir() and not path.is_symlink():  # of a pipe, `rmtree` would wait for its writer
        shutil.rmtree(path, ignore_errors=True)
        return
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
    return os.open(path, flags | _NO_LINK, 0o666)


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(_CANONICAL.encode(body).encode()).hexdigest()


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
