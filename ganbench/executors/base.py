"""What an executor is: it decides where workers run, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from ganbench.runner.job import Job

Event = dict[str, Any]  # {"event": "start" | "progress" | "note", ...}: talk for the live display


@dataclass(frozen=True)
class Outcome:
    """How one run ended; seconds are wall time of training and evaluation."""

    run_id: str
    status: str  # done | diverged | failed
    step: int = 0
    seconds: float = 0.0
    diverged: dict[str, Any] | None = None
    error: str | None = None

    @classmethod
    def of(cls, event: Event) -> Outcome:
        """The outcome that an `end` event tells."""
        return cls(**{f.name: event[f.name] for f in fields(cls)})


@dataclass(frozen=True)
class Site:
    """Where the workers of one `ganbench run` work."""

    results: Path
    data: Path | None
    plugins: tuple[Path, ...]
    devices: tuple[str, ...]  # one a worker: ("cpu", "cpu") or ("cuda:0", "cuda:0", "cuda:1")
    inception: Path | None = None  # the Inception weights, or the word `download`
    threads: int = 1  # CPU threads of a worker
    save_every: float = 10.0  # seconds between resumable checkpoints, at least


class Executor(Protocol):
    """Does jobs and yields the outcome of every run of theirs as it ends, in any order.

    Closing the generator early (Ctrl-C) stops the workers after they have saved what they were doing.
    """

    def run(self, jobs: Iterable[Job], listen: Callable[[Event], None]) -> Generator[Outcome, None, None]: ...
