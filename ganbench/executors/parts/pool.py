"""Jobs shared among worker processes. One whose worker dies is tried once more."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field

from ganbench.errors import DamagedRun
from ganbench.executors.parts import process
from ganbench.executors.parts.process import CannotStart, WorkerFailed, WorkerProcess
from ganbench.results.store import State, Store
from ganbench.runner.events import Busy, Ended, Event, Idle, Listen, Noted
from ganbench.runner.job import Job

ATTEMPTS = 2  # a job whose worker died is tried once more, from its last checkpoint
POLL = 1.0  # seconds between two attempts at a run that another process fills


@dataclass(frozen=True)
class Attempt:
    """A job, and how many of its workers have failed so far."""

    job: Job
    failures: int = 0


@dataclass(frozen=True)
class WorkerPool:
    """Worker processes and the jobs that are left for them. One thread a worker gives it jobs.

    Whatever happens in a thread, every run of every job ends with an `Ended`, unless the pool is stopped.
    """

    todo: deque[Attempt]
    workers: Sequence[WorkerProcess]
    events: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)  # `Idle`: a worker is finished
    stop: threading.Event = field(default_factory=threading.Event)
    unfit: dict[WorkerProcess, str] = field(default_factory=dict)  # workers that can't be started, and why
    threads: list[threading.Thread] = field(default_factory=list)

    @classmethod
    def of(cls, jobs: Iterable[Job], workers: Sequence[WorkerProcess]) -> WorkerPool:
        return cls(deque(map(Attempt, jobs)), workers)

    def run(self, listen: Listen) -> Generator[Ended, None, None]:
        """Do the jobs; closing the generator stops the workers after they have saved what they were doing."""
        try:
            # a worker that can't be started puts its job back, maybe after the others have found none left
            while self.todo and len(self.unfit) < len(self.workers):
                working = self._start_threads()
                while working:
                    match self.events.get():
                        case Ended() as ended:
                            yield ended
                        case Idle():
                            working -= 1
                        case event:
                            listen(event)
            reason = "; ".join(dict.fromkeys(self.unfit.values()))
            for attempt in self.todo:
                for run_id in attempt.job.run_ids:
                    yield Ended(run_id, "failed", error=f"{reason}; run the same line again to start this run")
        finally:
            self._end()

    def _start_threads(self) -> int:
        """Start a thread for each worker that may be started, and return their number."""
        working = 0
        for worker in self.workers:
            if worker not in self.unfit:
                thread = threading.Thread(target=self._work, args=(worker,), daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the system has no room for another thread
                    self._give_up(worker, f"a worker can't be started: {error}")
                else:
                    self.threads.append(thread)
                    working += 1
        return working

    def _end(self) -> None:
        self.stop.set()
        for worker in self.workers:
            worker.ask_to_stop()
        until = time.monotonic() + process.GRACE
        for worker in self.workers:
            worker.wait(until)
        for thread in self.threads:  # they read the events of the workers, which have ended
            thread.join(max(POLL, until - time.monotonic()))
        for worker in self.workers:
            worker.close()

    def _work(self, worker: WorkerProcess) -> None:
        """Give a worker jobs until none are left."""
        try:
            while not self.stop.is_set() and worker not in self.unfit:
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
        except CannotStart as failure:  # which is not the job's fault
            self.todo.appendleft(attempt)
            self._give_up(worker, failure.reason)
        except WorkerFailed as failure:
            self._retry_or_fail(worker, attempt, failure)
        except Exception as error:
            reason = f"its worker can't be used: {type(error).__name__}: {error}"
            self._retry_or_fail(worker, attempt, WorkerFailed(reason))
        if busy:
            time.sleep(POLL)
            self.todo.append(attempt)

    def _give_up(self, worker: WorkerProcess, reason: str) -> None:
        self.unfit[worker] = reason
        self.events.put(Noted(reason))

    def _retry_or_fail(self, worker: WorkerProcess, attempt: Attempt, failure: WorkerFailed) -> None:
        """Put the job back, or let its unfinished runs fail. The worker starts anew with its next job."""
        if self.stop.is_set():
            return
        failures = attempt.failures + 1
        if failures < ATTEMPTS:
            runs = ", ".join(attempt.job.run_ids)
            self.events.put(Noted(f"{failure.reason} while it worked on {runs}: the job is tried once more"))
            self.todo.append(Attempt(attempt.job, failures))
            return
        store = Store(worker.settings.results)
        for run_id in attempt.job.run_ids:
            ended = Ended(run_id, "failed", error=failure.reason)
            try:
                ended = _recorded(store, run_id, failure)
            except Exception as trouble:  # whatever it is, the run has an outcome
                self.events.put(Noted(f"{run_id}: its failure could not be recorded: {trouble}"))
            self.events.put(ended)


def _recorded(store: Store, run_id: str, failure: WorkerFailed) -> Ended:
    """Record a failure in a run that is not finished; one of a pack may have ended before."""
    folder = store.run(run_id)
    with folder.lock().acquire(timeout=POLL):
        try:
            state = folder.check() or State("running")
        except DamagedRun:
            folder.clear()
            state = State("running")
        if state.finished:
            return Ended.of(run_id, state)
        return Ended.of(run_id, folder.fail(state, failure.reason, failure.log))
