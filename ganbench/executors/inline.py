"""Does jobs one after the other in this process: for debugging, and for machines without subprocesses."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from ganbench.executors.base import Executor
from ganbench.runner.events import Busy, Ended, Event, Listen
from ganbench.runner.job import Job
from ganbench.runner.settings import WorkerSettings
from ganbench.runner.worker import Worker

POLL = 1.0  # seconds between two attempts at a run that another process fills


@dataclass(frozen=True, kw_only=True)
class Inline(Executor):
    """One worker, this process, with the settings of the first worker."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this process"

    def run(
        self, jobs: Iterable[Job], workers: Sequence[WorkerSettings], listen: Listen
    ) -> Generator[Ended, None, None]:
        """Do the jobs in turn; one whose runs are busy goes to the end."""
        settings, todo, events = workers[0], deque(jobs), list[Event]()
        torch.set_num_threads(settings.threads)

        def emit(event: Event) -> None:
            events.append(event)
            if not isinstance(event, Ended):
                listen(event)

        worker = Worker(settings, emit)
        while todo:
            job = todo.popleft()
            events.clear()
            worker.fill(job)
            if any(isinstance(event, Busy) for event in events):
                todo.append(job)
                time.sleep(POLL)
            yield from (event for event in events if isinstance(event, Ended))
