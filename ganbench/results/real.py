"""The picture of real samples of each data set, which a report shows beside those of its runs.

    <results>/real/<digest>.png   written once, by the first worker that reads the data set

The digest is that of the data set as the specs of runs describe it. Needs the standard library and filelock only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from filelock import Timeout

from ganbench.errors import DamagedRun
from ganbench.results.files import is_own_file, lock_file, make_way, read_bytes, write_bytes
from ganbench.results.store import RunFolder
from ganbench.spec import canonical_json

FOLDER = "real"
_NAME = re.compile(r"real/[0-9a-f]{16}\.png")


def picture_at(root: Path, dataset: Mapping[str, Any]) -> Path:
    """Where the picture of a data set lies in a results folder. `dataset`: as a run's spec describes it."""
    digest = hashlib.sha256(canonical_json(dataset).encode()).hexdigest()
    return root / FOLDER / f"{digest[:16]}.png"


def picture_of(folder: RunFolder) -> Path | None:
    """Where the picture of the data of a run lies, whether it was written or not; None if its spec is not known."""
    try:
        dataset = folder.spec().get("spec", {}).get("dataset")
    except DamagedRun:
        return None
    return picture_at(folder.path.parents[1], dataset) if isinstance(dataset, dict) else None


def written_picture(folder: RunFolder) -> Path | None:
    """The picture of the data of a run; None if there is no such file. A link is none."""
    path = picture_of(folder)
    return path if path and is_own_file(path.parents[1], path) else None


def is_picture(name: str) -> bool:
    """Whether a path within a results folder, with slashes, is that of such a picture."""
    return bool(_NAME.fullmatch(name))


def write_once(path: Path, content: Callable[[], bytes]) -> None:
    """Write a picture, unless it is there or another process is writing it. Raises `OSError`."""
    if path.is_file() and not path.is_symlink():
        return
    try:
        with lock_file(path.parent / ".locks" / f"{path.stem}.lock").acquire(timeout=0):
            make_way(path)
            if not path.exists():
                write_bytes(path, content())
    except Timeout:
        return


def copy_picture(source: RunFolder, target: RunFolder) -> None:
    """Copy the picture of a run's data into the results folder of a copy of the run. Raises `OSError`."""
    if path := written_picture(source):
        write_once(target.path.parents[1] / FOLDER / path.name, lambda: read_bytes(path) or b"")
