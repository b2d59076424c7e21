"""Jobs shared among worker processes. One whose worker dies is tried once more."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field

from filelock import Timeout

from ganbench.errors import DamagedRun
from ganbench.executors.parts.process import WorkerDied, WorkerProcess
from ganbench.results.store import State, Store
from ganbench.runner.events import Busy, Ended, Event, Idle, Listen, Noted
from ganbench.runner.job import Job

ATTEMPTS = 2  # a job whose worker died is tried once more, from its last checkpoint
POLL = 1.0  # seconds between two attempts at a run that another process fills


@dataclass(frozen=True)
class Attempt:
    """A job, and how many of its workers have died so far."""

    job: Job
    deaths: int = 0


@dataclass(frozen=True)
class WorkerPool:
    """Worker processes and the jobs that are left for them. One thread a worker gives it jobs."""

    todo: deque[Attempt]
    workers: Sequence[WorkerProcess]
    events: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)  # `Idle`: a worker is finished
    stop: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, jobs: Iterable[Job], workers: Sequence[WorkerProcess]) -> WorkerPool:
        return cls(deque(map(Attempt, jobs)), workers)

    def run(self, listen: Listen) -> Generator[Ended, None, None]:
        """Do the jobs; closing the generator stops the workers after they have saved what they were doing."""
        for worker in self.workers:
            threading.Thread(target=self._work, args=(worker,), daemon=True).start()
        working = len(self.workers)
        try:
            while working:
                match self.events.get():
                    case Ended() as ended:
                        yield ended
                    case Idle():
                        working -= 1
                    case event:
                        listen(event)
        finally:
            self.stop.set()
            for worker in self.workers:
                worker.ask_to_stop()
            for worker in self.workers:
                worker.wait()

    def _work(self, worker: WorkerProcess) -> None:
        """Give a worker jobs until none are left."""
        try:
            while not self.stop.is_set():
                try:
                    attempt = self.todo.popleft()
                except IndexError:
                    return
                self._give(worker, attempt)
        finally:
            self.events.put(Idle())

    def _give(self, worker: WorkerProcess, attempt: Attempt) -> None:
        busy = False
        try:
            for event in worker.do(attempt.job):
                busy = busy or isinstance(event, Busy)
                self.events.put(event)
        except WorkerDied as death:
            if not self.stop.is_set():
                self._retry_or_fail(worker, Attempt(attempt.job, attempt.deaths + 1), death)
        if busy:
            time.sleep(POLL)
            self.todo.append(attempt)

    def _retry_or_fail(self, worker: WorkerProcess, attempt: Attempt, death: WorkerDied) -> None:
        """Put the job back, or record its unfinished runs as failed. The worker starts anew with its next job."""
        if attempt.deaths < ATTEMPTS:
            runs = ", ".join(attempt.job.run_ids)
            self.events.put(Noted(f"{death.reason} while it worked on {runs}: the job is tried once more"))
            self.todo.append(attempt)
            return
        store = Store(worker.settings.results)
        for run_id in attempt.job.run_ids:
            folder = store.run(run_id)
            ended = Ended(run_id, "failed", error=death.reason)
            try:
                with folder.lock().acquire(timeout=POLL):
                    state = folder.state() or State("running")
                    if state.finished:  # a run of a pack that had ended before
                        ended = Ended.of(run_id, state)
                    else:
                        folder.fail(state, death.reason, death.log)
            except (OSError, Timeout, DamagedRun) as trouble:
                self.events.put(Noted(f"{run_id}: its failure could not be recorded: {trouble}"))
            self.events.put(ended)
