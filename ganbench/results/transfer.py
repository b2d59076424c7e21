"""From one results folder to another: which files belong to a run, and a copy of them that readers can rely on."""

from __future__ import annotations

import re

from filelock import Timeout

from ganbench.errors import DamagedRun, RequestError
from ganbench.results.files import is_own_file, read_bytes, write_bytes
from ganbench.results.real import copy_picture
from ganbench.results.store import ROWS, RunFolder

LAST = "state.json"  # a folder without it counts as one that was never begun
RECORDS = frozenset(("spec.json", "env.json", *ROWS, "log.txt", LAST))
IN_PROGRESS = "a process is filling it"
WAIT = 1.0  # seconds; a process that only checks whether a run is busy holds its lock for less
_PICTURE = re.compile(r"samples/\d{1,18}\.png")
_CHECKPOINT = re.compile(r"checkpoints/(last|\d{1,18})\.pt")


def is_run_file(name: str, checkpoints: bool = True) -> bool:
    """Whether a path within a run folder, with slashes, is that of a file that belongs to the run.

    `mlflow.json` does not: it says what a store of MLflow holds, and is made again.
    """
    if name in RECORDS or _PICTURE.fullmatch(name):
        return True
    return checkpoints and bool(_CHECKPOINT.fullmatch(name))


def run_files(folder: RunFolder, checkpoints: bool = True) -> list[str]:
    """The files of a run by their paths within its folder, sorted, `state.json` last. Links are left out."""
    own = (path for path in folder.path.rglob("*") if is_own_file(folder.path, path))
    names = (path.relative_to(folder.path).as_posix() for path in own)
    return sorted(filter(lambda name: is_run_file(name, checkpoints), names), key=lambda name: (name == LAST, name))


def copy_run(source: RunFolder, target: RunFolder) -> None:
    """Replace what a run folder holds by a copy of another, whose seals are compared with the copied content.

    The picture of its real samples comes along.

    `state.json` goes first and comes last, so that the folder of a copy that was interrupted counts as never begun.
    Raises `DamagedRun` if the source was changed meanwhile, and `RequestError` if a process fills either folder.
    """
    if source.busy():
        raise _in_progress(source)
    try:
        lock = target.lock().acquire(timeout=WAIT)
    except Timeout:
        raise _in_progress(target) from None
    with lock:
        target.clear()
        for name in run_files(source):
            write_bytes(target.path / name, read_bytes(source.path / name) or b"")
        try:
            target.check()
        except DamagedRun:
            target.clear()
            raise
    copy_picture(source, target)


def _in_progress(folder: RunFolder) -> RequestError:
    return RequestError(str(folder.path), IN_PROGRESS, todo="merge again when the run has ended")
