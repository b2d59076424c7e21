"""A session on Slurm: attach to what is in progress, submit the rest, follow both, and submit again what is left."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from ganbench.errors import RequestError
from ganbench.executors.base import GRACE, Detached
from ganbench.executors.parts import slurm_queue
from ganbench.executors.parts.slurm_array import PilotArray, SlurmRequest, end
from ganbench.executors.parts.slurm_book import Book, EventReader
from ganbench.runner import job
from ganbench.runner.events import Ended, Event, Listen, Noted, Progressed
from ganbench.runner.settings import WorkerSettings

ATTEMPTS = 2  # arrays in a row that end without progress before their runs fail
POLL = 1.0  # seconds between two looks at the events


@dataclass
class SlurmSession:
    """The arrays of a session. `left` holds the job of each run that has not ended."""

    request: SlurmRequest
    workers: Sequence[WorkerSettings]
    keep: bool
    detach: bool
    leave: ExitStack
    arrays: list[PilotArray] = field(default_factory=list)
    left: dict[str, job.EncodedJob] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)  # the latest step of each run
    refused: dict[str, str] = field(default_factory=dict)  # nodes
    progress: int = 0  # how often a run has come further than before, or has ended
    fruitless: int = 0  # arrays in a row that ended without progress

    def run(self, jobs: Iterable[job.Job], listen: Listen) -> Generator[Ended, None, None]:
        """Do jobs. Runs that an array of an earlier command is doing are followed, not submitted again.

        Raises `Detached` where the command does not wait for them.
        """
        yield from self.begin(jobs)
        if self.detach and self.left:
            ids = ", ".join(array.id for array in self.arrays)
            raise Detached(
                f"Slurm job {ids} does {len(self.left)} runs; run the same line without --detach to follow them"
            )
        while self.left:
            for array in tuple(self.arrays):
                yield from self._heard(array.news(), listen)
                if array.is_gone():
                    yield from self._heard(array.last_news(), listen)
                    yield from self._again(array, listen)
            time.sleep(POLL)

    def begin(self, jobs: Iterable[job.Job]) -> Generator[Ended, None, None]:
        """Attach to what is in progress, and submit the rest."""
        self.left = {run_id: job.EncodedJob(job.encode(each)) for each in jobs for run_id in each.run_ids}
        followed: set[str] = set()
        for book in () if self.keep else Book.submitted(self.workers[0].results):
            ended, array = self._attached(book)
            yield from ended
            followed |= array.runs if array else set()
        rest = [each for each in dict.fromkeys(self.left.values()) if not followed.issuperset(each.run_ids)]
        if rest and self.keep and self.arrays:
            self.arrays[0].begin_round(rest)
        elif rest:
            self._submit(rest)

    def _attached(self, book: Book) -> tuple[list[Ended], PilotArray | None]:
        """Follow a book if it does some of the jobs as they are wanted; the runs of it that ended before count too."""
        tasks = slurm_queue.tasks(book.array)
        if tasks is None:
            given, todo = "Slurm does not answer (squeue)", "run the same line again when it does"
            raise RequestError("--executor slurm", given, "", todo)
        if not tasks:
            book.remove()
            return [], None
        reader = EventReader(book, 0)
        wanted = {id_: each.task for each in book.jobs(0) or () for id_ in each.run_ids}
        same = {id_ for id_, each in self.left.items() if wanted.get(id_) == each.task}
        before = [event for event in reader.news() if isinstance(event, Ended) and event.run_id in same]
        ended = [event for event in before if event.status != "failed"]
        for event in ended:
            self.left.pop(event.run_id, None)
        if not same:
            return [], None
        runs = same - {event.run_id for event in before}
        self.arrays.append(PilotArray(book, self.leave, runs, reader, self.progress))
        return ended, self.arrays[-1]

    def _submit(self, jobs: Sequence[job.EncodedJob]) -> None:
        book = Book.new(self.workers[0])
        try:
            number = book.add_round(jobs, last=not self.keep)
            pilots = len(self.workers) if self.keep else min(len(self.workers), len(jobs))
            self.request.submit(book, pilots, self.refused)
        except BaseException:
            book.remove()
            raise
        runs = {run_id for each in jobs for run_id in each.run_ids}
        self.arrays.append(PilotArray(book, self.leave, runs, EventReader(book, number), self.progress))

    def _again(self, array: PilotArray, listen: Listen) -> Iterator[Ended]:
        """Submit again what an array that is gone has left; it fails after arrays without progress."""
        refusals = array.book.refusals()
        progressed = self.progress > array.since or not self.refused.keys() >= refusals.keys()
        self.fruitless = 0 if progressed else self.fruitless + 1
        self.refused |= refusals
        rest = list(dict.fromkeys(self.left[run_id] for run_id in array.runs if run_id in self.left))
        reason = f"the Slurm job {array.id} ended without it{array.last_words()}"
        self.arrays.remove(array)
        array.book.remove()
        if not rest:
            return
        if self.fruitless < ATTEMPTS:
            try:
                self._submit(rest)
            except RequestError as error:
                reason = str(error)
            else:
                ended = f"Slurm job {array.id} ended before all runs were done"
                return listen(Noted(f"{ended}; Slurm job {self.arrays[-1].id} continues with the rest"))
        for run_id in array.runs & self.left.keys():
            self.left.pop(run_id)
            yield Ended(run_id, "failed", error=f"{reason}; run the same line again to go on with this run")

    def _heard(self, news: Iterator[Event], listen: Listen) -> Iterator[Ended]:
        """Pass events on, of every run one end."""
        for event in news:
            match event:
                case Ended():
                    if self.left.pop(event.run_id, None) is not None:
                        self.progress += 1
                        yield event
                case _:
                    if isinstance(event, Progressed):
                        self._count(event)
                    listen(event)

    def _count(self, event: Progressed) -> None:
        for run_id in event.runs:
            self.progress += event.step > self.reached.get(run_id, -1)
            self.reached[run_id] = max(event.step, self.reached.get(run_id, -1))


@contextmanager
def opened(
    request: SlurmRequest, workers: Sequence[WorkerSettings], keep: bool, detach: bool
) -> Iterator[SlurmSession]:
    """A session. Leaving it ends its arrays, unless it is detached. Raises `RequestError`.

    An array that was attached and does runs of another command too goes on with these once its own have ended.
    """
    slurm_queue.check_installed()
    with ExitStack() as leave:
        session = SlurmSession(request, workers, keep, detach, leave)
        try:
            yield session
        except Detached:
            raise
        except BaseException:
            end(session.arrays, GRACE)
            raise
        end([array for array in session.arrays if array.is_done()], GRACE)
