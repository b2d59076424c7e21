"""Slurm's commands: `sbatch` submits, `squeue` says what is left of an array, `scancel` ends it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.errors import RequestError

PATIENCE = 60.0  # seconds for an answer of Slurm
UNKNOWN = "Invalid job id"  # what squeue says of a job that Slurm has forgotten


@dataclass(frozen=True)
class Task:
    """A task of an array, or all that wait together: `PENDING`, `RUNNING`, `COMPLETING` ..., and why it waits."""

    state: str
    reason: str


def check_installed() -> None:
    """Raises `RequestError` where Slurm's commands are absent."""
    if missing := [name for name in ("sbatch", "squeue", "scancel") if shutil.which(name) is None]:
        given, todo = f"there is no command {missing[0]} here", "type the line on a machine that submits to Slurm"
        raise RequestError("--executor slurm", given, "", todo)


def submit(words: Sequence[str]) -> str:
    """Submit an array and return its id. Raises `RequestError` with what Slurm says."""
    done = _asked("sbatch", "--parsable", *words)
    if done.returncode:
        given = f"sbatch refuses the jobs: {_last_line(done.stderr).removeprefix('sbatch: error: ')}"
        raise RequestError("--executor slurm", given, "options of sbatch", "correct the options that --on gives")
    return done.stdout.strip().partition(";")[0]


def tasks(array: str) -> list[Task] | None:
    """The tasks of an array that have not ended; None where Slurm does not answer."""
    done = _asked("squeue", "--noheader", "--jobs", array, "--format", "%T|%r")
    if done.returncode:
        return [] if UNKNOWN in done.stderr else None
    return [Task(*line.strip().split("|", 1)) for line in done.stdout.splitlines() if line.strip()]


def cancel(array: str, pending_only: bool = False) -> None:
    """End the tasks of an array, or only keep those from starting that wait."""
    _asked("scancel", *(["--state=PENDING"] if pending_only else []), array)


def _asked(*words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            start_new_session=True,  # Ctrl-C on the terminal reaches the command alone
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"no answer within {PATIENCE:.0f} seconds")


def _last_line(text: str) -> str:
    return (text.strip() or "no reason is given").splitlines()[-1]
