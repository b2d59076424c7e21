"""What an executor is: it decides where workers run, and nothing else.

How to write one. A new file in this folder defines a component whose fields are its options, and whose `open` yields a
`Session`. Most executors need only a class with the five methods of `WorkerHandle`, which says how one worker is
started, given a job and stopped; `WorkerPool` (`executors/parts/pool.py`) does the rest:

    @contextmanager
    def open(self, workers, keep=False):
        with WorkerPool.of([MyHandle(settings) for settings in workers], workers[0].results, keep) as pool:
            yield pool

An engine with a queue of its own implements `Session.run` instead. A worker can end in two ways. `WorkerFailed` counts
as an attempt at its job, of which there are two. `MachineLost` does not: the job is given to another machine, up to
about ten times.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from ganbench.component import Component
from ganbench.errors import RequestError

if TYPE_CHECKING:
    from ganbench.runner.events import Ended, Event, Listen, Noted
    from ganbench.runner.job import EncodedJob, Job
    from ganbench.runner.settings import WorkerSettings

UNCOUNTED = {"identity": False}  # the metadata of options: an executor is no part of a run id
GRACE = 30.0  # seconds that workers have to save what they are doing before they are killed


class WorkerFailed(Exception):
    """A worker could not do its job: the reason in words, and the end of its log. It counts as an attempt."""

    def __init__(self, reason: str, log: str = "") -> None:
        self.reason, self.log = reason, log
        super().__init__(reason, log)


class MachineLost(WorkerFailed):
    """The machine of a worker is gone, or can't be reached. It does not count as an attempt."""


class CannotStart(WorkerFailed):
    """A worker can't be started, for whatever job."""


class Detached(Exception):
    """The jobs were handed to an engine that does them without this process: what a user should read."""


class WorkerHandle(Protocol):
    """A worker as its parent sees it. A thread of its own calls `ready` and `do`, and another one the rest."""

    def ready(self) -> Iterator[Noted | None]:
        """Start the worker if it has not been started, and end when it takes jobs.

        While it waits, it yields at least once a second, so that the caller can give up: what a user should read, or
        None. Raises `CannotStart`.
        """

    def do(self, job: Job | EncodedJob) -> Iterator[Event]:
        """Give a ready worker a job and yield its events, `Ended` once a run or `Busy`, until it is idle again.

        Raises `WorkerFailed` or `MachineLost`; then the worker is gone, and `ready` starts a new one.
        """

    def ask_to_stop(self) -> None:
        """Let it save what it is doing at the next snapshot, and end. It may be suspended, or not started."""

    def wait(self, until: float) -> None:
        """Wait for the end of a worker that was asked to stop; kill it at a time of the monotonic clock."""

    def release(self) -> None:
        """End the worker and give back what it holds: its process, its place in a cluster. `ready` may follow."""


class Session(Protocol):
    """An executor with its workers, which does lists of jobs one after the other."""

    def run(self, jobs: Iterable[Job], listen: Listen) -> Generator[Ended, None, None]:
        """Do jobs and yield how every run of theirs ended, in any order; `listen` gets other events."""


@dataclass(frozen=True, kw_only=True)
class Executor(Component):
    """Does jobs. Its fields say how it starts workers; what a worker needs to know comes as `WorkerSettings`."""

    elsewhere: ClassVar[bool] = False  # whether workers run on other machines, of whose memory nothing is known here

    def devices(self, asked: str, workers: int | None, per_gpu: int | None) -> tuple[str, ...]:
        """One device a worker, from `--devices`, `--workers` and `--per-gpu` (None: auto). Raises `RequestError`."""
        from ganbench.runner.devices import resolve  # only here: the types of an executor need no runner

        return resolve(asked, workers, per_gpu)

    def detached(self) -> Executor:
        """This executor, with sessions that hand over their jobs and raise `Detached`. Raises `RequestError`."""
        given = f"the workers of the executor {self.kind()} end with the command"
        raise RequestError("--detach", given, "allowed with --executor slurm", "leave --detach out")

    @abstractmethod
    def open(self, workers: Sequence[WorkerSettings], keep: bool = False) -> AbstractContextManager[Session]:
        """A session with one worker for each of the settings.

        Leaving the context, also by Ctrl-C, stops the workers after they have saved what they were doing. With `keep`
        workers stay for the next jobs of the session; else each is released when no job is left for it.
        """

    def run(
        self, jobs: Iterable[Job], workers: Sequence[WorkerSettings], listen: Listen
    ) -> Generator[Ended, None, None]:
        """Do jobs in a session of their own, which ends with the generator, also when that is closed early."""
        jobs = list(jobs)
        with self.open(workers[: max(len(jobs), 1)]) as session:
            yield from session.run(jobs, listen)
