"""Does jobs in worker processes on this machine: on the CPU with one thread each, or on its GPUs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from ganbench.executors.base import Executor
from ganbench.executors.parts.pool import WorkerPool
from ganbench.executors.parts.process import WorkerProcess
from ganbench.executors.parts.sharing import Sharing
from ganbench.runner.settings import WorkerSettings


@dataclass(frozen=True, kw_only=True)
class Local(Executor):
    """One worker process for each of the settings."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this machine"

    @contextmanager
    def open(self, workers: Sequence[WorkerSettings], keep: bool = False) -> Iterator[WorkerPool]:
        """Worker processes, each started with its first job."""
        processes = [WorkerProcess(settings) for settings in workers]
        with WorkerPool.of(processes, workers[0].results, keep, Sharing.of(workers)) as pool:
            yield pool
