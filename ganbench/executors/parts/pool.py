"""Jobs shared among workers, wherever they run. A job whose worker dies is tried once more.

Out of memory is not the failure of a job: it is tried again in a fresh process that has the device for itself, then as
two packs of half the seeds. Only a run that was alone may fail of it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from ganbench.errors import DamagedRun
from ganbench.executors.base import GRACE, CannotStart, MachineLost, WorkerFailed, WorkerHandle
from ganbench.executors.parts.sharing import Sharing
from ganbench.results.store import State, Store
from ganbench.runner.events import Busy, Ended, Event, Idle, Listen, Noted, OutOfMemory, PeakMemory
from ganbench.runner.job import EncodedJob, Job
from ganbench.runner.ledger import Claimant, Promise, after_exhaustion
from ganbench.runner.packing import divided

ATTEMPTS = 2  # a job whose worker died is tried once more, from its last checkpoint
LOSSES = 10  # machines that a job may lose before it fails
POLL = 1.0  # seconds between two attempts at a run that another process fills
LEASE = 100.0  # seconds after which a file server has released the locks of a machine that is gone


@dataclass(frozen=True)
class Attempt:
    """A job, how many of its workers have failed so far, and how many of its machines were lost.

    `alone`: it ran out of memory, and gets its device for itself. `last`: if it does so again, it fails.
    """

    job: Job | EncodedJob
    failures: int = 0
    losses: int = 0
    alone: bool = False
    last: bool = False

    def after(self, failure: WorkerFailed) -> Attempt:
        """The next attempt."""
        if isinstance(failure, MachineLost):
            return replace(self, losses=self.losses + 1)
        return replace(self, failures=self.failures + 1)

    @property
    def is_allowed(self) -> bool:
        return self.failures < ATTEMPTS and self.losses < LOSSES

    @property
    def claimant(self) -> Claimant:
        return Claimant(self.job.run_ids[0], self.job.cell, self.job.seeds, self.alone)


@dataclass
class WorkerPool:
    """Workers and the jobs that are left for them. One thread a worker waits until it is ready and gives it jobs.

    A thread takes a job only when its worker is ready, so no job waits with a worker that has no place to run. Whatever
    happens in a thread, every run of every job ends with an `Ended`, unless the context is left.
    """

    workers: Sequence[WorkerHandle]
    store: Store
    sharing: Sharing
    keep: bool = False  # workers stay for the jobs of the next `run`; else each is released when none is left for it
    todo: deque[Attempt] = field(default_factory=deque)
    events: queue.SimpleQueue[Event | Exception] = field(default_factory=queue.SimpleQueue)  # `Idle`: a thread's end
    unfit: dict[int, str] = field(default_factory=dict)  # why workers can't be started, by their index
    threads: list[threading.Thread] = field(default_factory=list)
    in_progress: int = 0
    stopped: bool = False
    aborted: bool = False  # no worker can be reached any more
    changed: threading.Condition = field(default_factory=threading.Condition)  # guards the two above and `todo`

    @classmethod
    def of(
        cls, workers: Sequence[WorkerHandle], results: Path, keep: bool = False, sharing: Sharing | None = None
    ) -> WorkerPool:
        """A pool of these workers; without `sharing` each of them has a device of its own."""
        return cls(workers, Store(results), sharing or Sharing.apart(len(workers)), keep)

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the workers after they have saved what they were doing."""
        with self.changed:
            self.stopped = True
            self.changed.notify_all()
        for worker in self.workers:
            worker.ask_to_stop()
        until = time.monotonic() + (0.0 if self.aborted else GRACE)
        for worker in self.workers:
            worker.wait(until)
        for thread in () if self.aborted else self.threads:  # they read the events of the workers, which have ended
            thread.join(max(POLL, until - time.monotonic()))
        for worker in self.workers:
            worker.release()

    def run(self, jobs: Iterable[Job | EncodedJob], listen: Listen) -> Generator[Ended, None, None]:
        """Do jobs. Raises what `abort` was given."""
        self.todo.extend(map(Attempt, jobs))
        # a worker that can't be started puts its job back, maybe after the others have found none left
        while self.todo and len(self.unfit) < len(self.workers):
            working = self._start_threads()
            while working:
                match self.events.get():
                    case Ended() as ended:
                        yield ended
                    case Idle():
                        working -= 1
                    case Exception() as error:
                        raise error
                    case event:
                        listen(event)
        reason = "; ".join(dict.fromkeys(self.unfit.values()))
        while self.todo:
            for run_id in self.todo.popleft().job.run_ids:
                yield Ended(run_id, "failed", error=f"{reason}; run the same line again to start this run")

    def abort(self, error: Exception) -> None:
        """Let `run` raise an error: the engine of all workers is gone. Any thread may call it."""
        self.aborted = True
        self.events.put(error)

    def _start_threads(self) -> int:
        """Start a thread for each worker that may be started, and return their number."""
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        working = 0
        for index in range(len(self.workers)):
            if index not in self.unfit:
                thread = threading.Thread(target=self._work, args=(index,), daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # the system has no room for another thread
                    self._give_up(index, f"a worker can't be started: {error}")
                else:
                    self.threads.append(thread)
                    working += 1
        return working

    def _work(self, index: int) -> None:
        """Give a worker jobs until none are left."""
        worker = self.workers[index]
        try:
            while taken := self._take(index):
                attempt, promise = taken
                try:
                    self._give(worker, attempt, promise)
                finally:
                    with self.changed:
                        self.in_progress -= 1
                        self.changed.notify_all()
        except CannotStart as failure:
            self._give_up(index, failure.reason)
        except Exception as error:
            self._give_up(index, f"a worker can't be started: {type(error).__name__}: {error}")
        finally:
            if not self.keep and not self.stopped:
                worker.release()
            self.events.put(Idle())

    def _take(self, index: int) -> tuple[Attempt, Promise] | None:
        """The next job, once the worker is ready for one; None when no job is left for it. Raises `CannotStart`."""
        worker = self.workers[index]
        while self._is_needed():
            for note in worker.ready():
                if note is not None:
                    self.events.put(note)
                if not self._is_needed():
                    return None
            with self.changed:
                waiting = [attempt.claimant for attempt in self.todo]
                offered = None if self.stopped else self.sharing.offer(index, waiting)
                if offered:
                    self.in_progress += 1
                    return self._taken(*offered)
                in_the_way = self.sharing.is_wanted_empty(index, waiting)
            if in_the_way:
                worker.release()  # its process holds memory also without a job
            with self.changed:
                if self.in_progress and (self.todo or self.keep):
                    self.changed.wait(POLL if self.todo else None)  # a job ends, or is put back
        return None

    def _taken(self, place: int, promise: Promise) -> tuple[Attempt, Promise]:
        attempt = self.todo[place]
        del self.todo[place]
        return replace(attempt, job=attempt.job.backing_off(not attempt.last)), promise

    def _is_needed(self) -> bool:
        with self.changed:
            return not self.stopped and bool(self.todo or (self.keep and self.in_progress))

    def _give(self, worker: WorkerHandle, attempt: Attempt, promise: Promise) -> None:
        busy, exhausted, peak = False, None, None
        try:
            for event in worker.do(attempt.job):
                busy = busy or isinstance(event, Busy)
                match event:
                    case OutOfMemory():
                        exhausted = event
                    case PeakMemory():
                        peak = event.size
                    case _:
                        self.events.put(event)
            if exhausted:
                worker.release()  # what is tried next gets a fresh process
                self._back_off(attempt, promise, exhausted)
        except WorkerFailed as failure:
            self._retry_or_fail(attempt, failure)
        except Exception as error:
            reason = f"its worker can't be used: {type(error).__name__}: {error}"
            self._retry_or_fail(attempt, WorkerFailed(reason))
        with self.changed:
            self.sharing.end(promise, peak)
        if busy:
            time.sleep(POLL)
            self._put_back(attempt)

    def _put_back(self, *attempts: Attempt) -> None:
        with self.changed:
            self.todo.extend(attempts)

    def _back_off(self, attempt: Attempt, promise: Promise, exhausted: OutOfMemory) -> None:
        """Try the runs of a job that are left in another way: alone on their device, or in packs of half the seeds."""
        job = attempt.job.part(exhausted.runs, attempt.job.seeds)
        runs, following = ", ".join(job.run_ids), after_exhaustion(promise, shared=not attempt.alone)
        if attempt.alone and following:
            parts, next_step = divided(job, [half.pack for half in following], self.store), "in packs of half the seeds"
            attempts = [Attempt(part, alone=part.pack == job.pack, last=part.pack == job.pack) for part in parts]
        else:
            next_step = "alone on its device"
            attempts = [replace(attempt, job=job, alone=True, last=len(job.seeds) == 1)]
        self.events.put(Noted(f"{runs}: out of memory on {promise.gpu.name}; tried again {next_step}"))
        with self.changed:
            self.sharing.exhaust(promise)
        self._put_back(*attempts)

    def _give_up(self, index: int, reason: str) -> None:
        self.unfit[index] = reason
        self.events.put(Noted(reason))

    def _retry_or_fail(self, attempt: Attempt, failure: WorkerFailed) -> None:
        """Put the job back, or let its unfinished runs fail. The worker starts anew with its next job."""
        if self.stopped:
            return
        attempt = attempt.after(failure)
        if attempt.is_allowed:
            runs, lost = ", ".join(attempt.job.run_ids), isinstance(failure, MachineLost)
            next_step = "the job is given to another worker" if lost else "the job is tried once more"
            self.events.put(Noted(f"{failure.reason} while it worked on {runs}: {next_step}"))
            self._put_back(attempt)
            return
        for run_id in attempt.job.run_ids:
            ended = Ended(run_id, "failed", error=failure.reason)
            try:
                ended = _recorded(self.store, run_id, failure)
            except Exception as trouble:  # whatever it is, the run has an outcome
                self.events.put(Noted(f"{run_id}: its failure could not be recorded: {trouble}"))
            self.events.put(ended)


def _recorded(store: Store, run_id: str, failure: WorkerFailed) -> Ended:
    """Record a failure in a run that is not finished; one of a pack may have ended before."""
    with store.run(run_id).owned(LEASE) as folder:
        try:
            state = folder.check() or State("running")
        except DamagedRun:
            folder.clear()
            state = State("running")
        if state.finished:
            return Ended.of(run_id, state)
        return Ended.of(run_id, folder.fail(state, failure.reason, failure.log))
