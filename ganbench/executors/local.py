"""Does jobs in worker processes on this machine: on the CPU with one thread each, or on its GPUs."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ganbench.executors.base import Executor
from ganbench.executors.parts.pool import WorkerPool
from ganbench.executors.parts.process import WorkerProcess
from ganbench.runner.events import Ended, Listen
from ganbench.runner.job import Job
from ganbench.runner.settings import WorkerSettings


@dataclass(frozen=True, kw_only=True)
class Local(Executor):
    """One worker process for each of the settings, as far as there are jobs."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this machine"

    def run(
        self, jobs: Iterable[Job], workers: Sequence[WorkerSettings], listen: Listen
    ) -> Generator[Ended, None, None]:
        """Do the jobs in worker processes, which end with the generator."""
        todo = list(jobs)
        pool = WorkerPool.of(todo, [WorkerProcess(settings) for settings in workers[: len(todo)]])
        return pool.run(listen)
