"""What the tests on clusters share: the command in a folder, and the processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.e2e.conftest import MARK, command, environment, within

PATIENCE = 300.0  # seconds; nothing waits so long where the machine is free
QUIET = ("--tracking-uri", "none", "--save-every", "0")


def started(folder: Path, *words: str, **extra: str) -> subprocess.Popen[str]:
    """The command, in progress."""
    return subprocess.Popen(
        command(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment() | extra,
    )


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for something that another process does, which may take long on a busy machine."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def wait_for_runs(folder: Path, count: int) -> None:
    """Until so many runs are in progress and past their first mark."""

    def begun() -> bool:
        saved = folder.glob("results/runs/*/checkpoints/last.pt")
        return sum((path.parent / f"{MARK}.pt").exists() for path in saved) >= count

    wait_until(begun)


def table(folder: Path) -> str:
    return within(folder, "report", "small", "--format", "csv").stdout


def processes(*words: str) -> list[int]:
    """The processes whose command lines hold all of these words."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (folder / "cmdline").read_text()
            found += [int(folder.name)] if all(word in line for word in words) else []
    return found


def ancestors(pid: int) -> set[int]:
    """The processes above a process, up to the first that has ended meanwhile."""
    found: set[int] = set()
    with suppress(OSError):
        while pid > 1:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            found.add(pid)
    return found


def signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def sessions_of_runs(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The sessions in the `env.json` of each run, by its id."""
    files = folder.glob("results/runs/*/env.json")
    return {file.parent.name: json.loads(file.read_text())["sessions"] for file in files}


def ended_well(parent: subprocess.Popen[str]) -> str:
    """What the command said."""
    _, err = parent.communicate(timeout=PATIENCE)
    assert parent.returncode == 0 and "Traceback" not in err, err
    return err
