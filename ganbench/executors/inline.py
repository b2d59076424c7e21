"""Does jobs one after the other in this process: for debugging, and for machines without subprocesses."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from threadpoolctl import threadpool_limits

from ganbench.errors import RequestError
from ganbench.executors.base import Executor
from ganbench.runner.devices import resolve
from ganbench.runner.events import Busy, Ended, Event, Listen
from ganbench.runner.gpu_memory import uuid_of
from ganbench.runner.job import Job
from ganbench.runner.settings import WorkerSettings
from ganbench.runner.worker import Worker

POLL = 1.0  # seconds between two attempts at a run that another process fills


@dataclass(frozen=True, kw_only=True)
class Inline(Executor):
    """One worker, this process, with the settings of the first worker."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "this process"

    def devices(self, asked: str, workers: int | None, per_gpu: int | None) -> tuple[str, ...]:
        """This process's device. Raises `RequestError`, also for a UUID, which only a process of its own can use."""
        devices = resolve(asked, workers, per_gpu)
        if uuid_of(devices[0]):
            given, todo = "a GPU is given by its UUID", "use --executor local, or a GPU's index"
            raise RequestError("--executor inline", given, "allowed: auto, cpu, or an index like 0", todo)
        return devices[:1]

    @contextmanager
    def open(self, workers: Sequence[WorkerSettings], keep: bool = False) -> Iterator[InlineSession]:
        """A session in this process."""
        torch.set_num_threads(workers[0].threads)
        with threadpool_limits(workers[0].threads, user_api="blas"):  # of NumPy's products
            yield InlineSession(workers[0])


@dataclass
class InlineSession:
    """The worker and its events that have not been passed on yet."""

    settings: WorkerSettings
    worker: Worker = field(init=False)
    events: deque[Event] = field(default_factory=deque)
    listen: Listen = field(default=lambda event: None)

    def __post_init__(self) -> None:
        self.worker = Worker(self.settings, self._emit)

    def run(self, jobs: Iterable[Job], listen: Listen) -> Generator[Ended, None, None]:
        """Do the jobs in turn; one whose runs are busy goes to the end."""
        self.listen, todo = listen, deque(jobs)
        while todo:
            job = todo.popleft()
            self.events.clear()
            self.worker.fill(job)
            if any(isinstance(event, Busy) for event in self.events):
                todo.append(job)
                time.sleep(POLL)
            yield from (event for event in self.events if isinstance(event, Ended))

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        if not isinstance(event, Ended):
            self.listen(event)
