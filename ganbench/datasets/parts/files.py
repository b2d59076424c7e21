"""Where the data lie and the hash of what is in them. Standard library only, so it loads at once."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from ganbench.errors import RequestError


def data_root() -> Path | None:
    """The data folder that the user named in `GANBENCH_DATA`, or None."""
    name = os.environ.get("GANBENCH_DATA")
    return Path(name).expanduser().resolve() if name else None


def located(path: str, root: Path | None) -> Path:
    """Where a user's path points: a relative one starts at the data folder, or at the current folder without one."""
    place = (root or Path.cwd()) / Path(path).expanduser()
    if not place.exists():
        start = "GANBENCH_DATA" if root else "the current folder (GANBENCH_DATA is not set)"
        raise RequestError(
            str(place), "there is no such file or folder", f"a relative path starts at {start}", "correct the path"
        )
    return place


def digest(place: Path, algorithm: str = "sha256") -> str:
    """The hex digest of a file's bytes, remembered until the file's size or time of change differ."""
    try:
        stat = place.stat()
        return _digest(place, algorithm, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        given = f"the file can't be read ({error.strerror})"
        raise RequestError(str(place), given, "", "correct the path or the permissions") from error


@cache
def _digest(place: Path, algorithm: str, _size: int, _mtime: int) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
