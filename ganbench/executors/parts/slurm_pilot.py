"""A pilot (`python -m ganbench.executors.parts.slurm_pilot BOOK`): a task of a Slurm array that does jobs of a book.

Each pilot has the same list, starts at its own place in it, skips what another one has done, and leaves what another
one is doing. It ends when nothing else is left. SIGUSR1 comes before the time limit: the pilot saves and is queued
again. After SIGTERM it saves and waits for its end, so that Slurm queues a task again that it has preempted.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from ganbench.errors import GanbenchError
from ganbench.executors.parts.pool import WorkerPool
from ganbench.executors.parts.probe import LOCKS_ARE_LOCAL
from ganbench.executors.parts.process import WorkerProcess
from ganbench.executors.parts.slurm_book import Book, EventReader
from ganbench.results.store import Store
from ganbench.runner.devices import resolve
from ganbench.runner.events import Busy, Ended, Event, Noted
from ganbench.runner.job import EncodedJob, Job
from ganbench.runner.packing import as_planned
from ganbench.runner.settings import WorkerSettings

POLL = 1.0  # seconds between two looks at the book
ALONE = 180.0  # seconds without a parent after which a pilot without jobs ends
BEAT = 20.0  # seconds in which a parent that is there shows itself
KILLED = 600.0  # seconds in which Slurm ends a task that it has sent a SIGTERM


class PilotAskedToEnd(Exception):
    """The pilot was asked to end: `signal.SIGINT` by the stop file, else by Slurm."""


@dataclass(eq=False)
class PilotWorker:
    """A worker process that skips the jobs of other pilots; see `WorkerHandle`."""

    process: WorkerProcess
    done: EndedRuns

    @property
    def store(self) -> Store:
        return Store(self.process.settings.results)

    def ready(self) -> Iterator[Noted | None]:
        """Start the process."""
        return self.process.ready()

    def do(self, job: Job | EncodedJob) -> Iterator[Event]:
        """Do a job that is left. Of one that another pilot is doing, or has divided, nothing is said."""
        if not self.done.holds(job.run_ids) and as_planned([job], self.store) == [job]:
            yield from (event for event in self.process.do(job) if not isinstance(event, Busy))

    def ask_to_stop(self) -> None:
        """Let it save and end."""
        self.process.ask_to_stop()

    def wait(self, until: float) -> None:
        """Wait for its end."""
        self.process.wait(until)

    def release(self) -> None:
        """End it."""
        self.process.release()


@dataclass
class EndedRuns:
    """The runs of a round that have ended in any pilot. Several threads ask."""

    reader: EventReader
    ended: set[str] = field(default_factory=set)
    reading: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, reader: EventReader) -> None:
        """Begin a round, in which none has ended yet."""
        with self.reading:
            self.reader, self.ended = reader, set()

    def holds(self, run_ids: Sequence[str]) -> bool:
        """Whether all of these have ended."""
        with self.reading:
            self.ended |= {event.run_id for event in self.reader.news() if isinstance(event, Ended)}
            return self.ended.issuperset(run_ids)


@dataclass(frozen=True)
class Pilot:
    """One session of a task: a task that is queued again has another name."""

    book: Book
    name: str
    node: str
    place: float  # where in the list it starts, from 0 to 1
    cpus: int  # that Slurm has given it on this node

    @classmethod
    def here(cls, book: Book) -> Pilot:
        """The pilot of this process, from the variables that Slurm sets."""
        given = os.environ.get
        place = int(given("SLURM_ARRAY_TASK_ID", "0")) / int(given("SLURM_ARRAY_TASK_COUNT", "1"))
        name = f"{given('SLURM_JOB_ID', '0')}-{given('SLURM_RESTART_COUNT', '0')}"
        node, cpus = given("SLURMD_NODENAME", socket.gethostname()), int(given("SLURM_CPUS_ON_NODE", "1"))
        return cls(book, name, node, place, cpus)

    def serve(self) -> None:
        """Do the jobs of all rounds, unless this node is refused. Raises `PilotAskedToEnd`."""
        workers = self.workers()
        reason = self.refusal() or (None if workers else "the job was given no GPU there")
        if reason:
            self.book.refuse(self.node, reason)
            return
        done = EndedRuns(EventReader(self.book, 0))
        handles = [PilotWorker(WorkerProcess(own), done) for own in workers]
        with WorkerPool.of(handles, workers[0].results, keep=not self.book.is_closed) as pool:
            for number in itertools.count():
                jobs = self._next_round(number)
                done.begin(EventReader(self.book, number))
                if not jobs or not self._do(number, jobs, done, pool):
                    return

    def workers(self) -> list[WorkerSettings]:
        """A worker for each GPU, or for each CPU, that Slurm has given to the pilot; none without the GPU it needs."""
        own = self.book.settings
        devices = resolve("cpu" if own.device == "cpu" else "auto", self.cpus if own.device == "cpu" else None)
        share = min(1.0, self.cpus / (os.cpu_count() or 1)) / len(devices)
        kind = own.device.partition(":")[0]
        return [replace(own, device=device, share=share) for device in devices if device.startswith(kind)]

    def refusal(self) -> str | None:
        """Why this node gets no jobs. A lock that no one holds is no reason where there is no parent.

        Nor is it one until two beats have been seen: with its next beat a parent takes the lock of one that was killed.
        """
        probe = self.book.probe
        reason = probe.refusal()
        beat, until, beats = self.book.last_beat(), time.monotonic() + BEAT, 0
        while reason == LOCKS_ARE_LOCAL and beats < 2:
            if (current := self.book.last_beat()) != beat:
                beat, until, beats = current, time.monotonic() + BEAT, beats + 1
                reason = probe.refusal()
            elif time.monotonic() > until:
                return None
            else:
                time.sleep(POLL)
        return reason

    def _next_round(self, number: int) -> list[EncodedJob] | None:
        """The jobs of a round, once there are any; None where no more come."""
        beat, since = self.book.last_beat(), time.monotonic()
        while (jobs := self.book.jobs(number)) is None:
            if (current := self.book.last_beat()) != beat:
                beat, since = current, time.monotonic()
            if self.book.is_closed or time.monotonic() > since + ALONE:
                return self.book.jobs(number)
            time.sleep(POLL)
        start = int(self.place * len(jobs))
        return jobs[start:] + jobs[:start]

    def _do(self, number: int, jobs: Sequence[EncodedJob], done: EndedRuns, pool: WorkerPool) -> bool:
        """Do what is left of a round; False where no worker can be started."""

        def note(event: Event) -> None:
            self.book.append(number, self.name, event)

        while left := [job for job in as_planned(jobs, pool.store) if not self._is_others(job, done, pool.store)]:
            count = 0
            for ended in pool.run(left, note):
                if len(pool.unfit) == len(pool.workers):
                    self.book.refuse(self.node, "; ".join(dict.fromkeys(pool.unfit.values())))
                    return False
                note(ended)
                count += 1
            if not count:
                time.sleep(POLL)  # others were faster
        return True

    @staticmethod
    def _is_others(job: Job | EncodedJob, done: EndedRuns, store: Store) -> bool:
        """Whether a job has been done, or is being done by another pilot."""
        return done.holds(job.run_ids) or any(store.run(run_id).busy() for run_id in job.run_ids)


def watch(book: Book) -> None:
    """End this process by SIGINT once the stop file is there."""
    while not book.is_stopped:
        time.sleep(POLL)
    os.kill(os.getpid(), signal.SIGINT)


def main() -> None:
    """Serve until the book is done, or Slurm or the parent ends it."""
    asked: list[int] = []

    def end(number: int, _: Any) -> None:
        asked.append(number)
        if len(asked) == 1:
            raise PilotAskedToEnd(number)

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(name, end)
    book = Book(Path(sys.argv[1]))
    try:
        threading.Thread(target=watch, args=(book,), daemon=True).start()
        Pilot.here(book).serve()
    except PilotAskedToEnd:
        _leave(asked[0], book)
    except (OSError, GanbenchError):
        if not book.is_stopped:
            raise


def _leave(reason: int, book: Book) -> None:
    """The work is saved: be queued again, or wait until Slurm ends this process as it wants."""
    if reason == signal.SIGUSR1 and not book.is_stopped:
        again = subprocess.run(("scontrol", "requeue", os.environ.get("SLURM_JOB_ID", "")), capture_output=True)
        reason = signal.SIGINT if again.returncode else signal.SIGTERM
    if reason == signal.SIGTERM:
        _wait_for_the_end(book)


def _wait_for_the_end(book: Book) -> NoReturn:
    until = time.monotonic() + KILLED
    while time.monotonic() < until and not book.is_stopped:
        time.sleep(POLL)
    sys.exit(1)


if __name__ == "__main__":
    main()
