"""The data folder, and the hash of a file. This module imports only the standard library and is loaded quickly."""

from __future__ import annotations

import hashlib
import os
from errno import EINVAL
from functools import cache
from pathlib import Path

from ganbench.errors import AbsentFile, RequestError


def data_root() -> Path | None:
    """The data folder that the user named in `GANBENCH_DATA`, or None. Only the command line calls this function."""
    name = os.environ.get("GANBENCH_DATA")
    return Path(name).expanduser().resolve() if name else None


def located(path: str, root: Path | None) -> Path:
    """The place of a user's path: a relative path starts at the data folder, or without one at the current folder."""
    place = (root or Path.cwd()) / Path(path).expanduser()
    if not place.exists():
        start = "GANBENCH_DATA" if root else "the current folder (GANBENCH_DATA is not set)"
        raise AbsentFile(
            str(place), "there is no such file or folder", f"a relative path starts at {start}", "correct the path"
        )
    return place


def digest(place: Path, algorithm: str = "sha256") -> str:
    """The hex digest of a file's bytes. It is computed again when the file's size or modification time changes."""
    try:
        stat = place.stat()
        if not place.is_file():  # reading a pipe would wait for ever
            raise OSError(EINVAL, "it is not a plain file")
        return _digest(place, algorithm, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        given = f"the file can't be read ({error.strerror})"
        raise RequestError(str(place), given, "", "correct the path or the permissions") from error


@cache
def _digest(place: Path, algorithm: str, _size: int, _mtime: int) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
