"""`ganbench run` as a subprocess, and when each of its runs began and ended, told by the run folders' files."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True)
class Spent:
    """Seconds of a command: on the wall, and of all its processes on the CPU."""

    began: float  # unix time
    wall: float
    cpu: float


@dataclass(frozen=True)
class Span:
    """When a run began and ended, in unix time."""

    folder: Path
    began: float
    ended: float


def call(*command: str) -> tuple[str, Spent]:
    """What a Python command prints, and what it took. It chooses its number of threads itself."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    began, wall, cpu = time.time(), time.monotonic(), _cpu()
    done = subprocess.run([sys.executable, *command], env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout, Spent(began, time.monotonic() - wall, _cpu() - cpu)


def run(suite: Path, results: Path, *options: str) -> tuple[list[list[Span]], Spent]:
    """Run a suite; the runs that each worker did, in order."""
    _, spent = call("-m", "ganbench.cli", "run", str(suite), "--results", str(results), *options)
    return workers(spans(results, spent.began)), spent


def spans(results: Path, since: float) -> list[Span]:
    """The runs begun since a moment, in order: a run writes `spec.json` when it begins and `state.json` last."""
    files = sorted((path.stat().st_mtime, path) for path in (results / "runs").glob("*/spec.json"))
    return [Span(path.parent, at, (path.parent / "state.json").stat().st_mtime) for at, path in files if at >= since]


def workers(found: list[Span]) -> list[list[Span]]:
    """Runs by worker: each was begun by the worker that had been idle for the shortest time, or by a new one."""
    chains: list[list[Span]] = []
    for span in found:
        idle = [chain for chain in chains if chain[-1].ended <= span.began]
        if idle:
            max(idle, key=lambda chain: chain[-1].ended).append(span)
        else:
            chains.append([span])
    return chains


def cycles(chains: list[list[Span]]) -> list[float]:
    """Seconds from the end of one run to the end of the worker's next: all but each worker's first, which warms up."""
    return [after.ended - before.ended for chain in chains for before, after in pairwise(chain)]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
