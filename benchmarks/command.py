"""Python commands as subprocesses, and what they take."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

from timing import Spent, timed


def call(*command: str) -> tuple[str, Spent]:
    """What a Python command prints, and what it and its processes took. It chooses its number of threads itself."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}

    def run() -> str:
        return subprocess.run(
            [sys.executable, *command], env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    return timed(run, cpu=_cpu_of_children)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
