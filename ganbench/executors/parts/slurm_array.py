"""An array of pilots as its parent sees it: how it is submitted, followed and ended."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from ganbench.executors.parts import slurm_queue
from ganbench.executors.parts.slurm_book import Book, EventReader, Presence
from ganbench.runner.events import Ended, Event, Noted
from ganbench.runner.job import EncodedJob

PILOT = "ganbench.executors.parts.slurm_pilot"
FIXED = ("--requeue", "--open-mode=append", "--job-name=ganbench")
LOOK = 5.0  # seconds between two questions to Slurm
SETTLE = 3.0  # seconds in which the last events of an array reach this machine
REMARK = 30.0  # seconds without a running pilot, or without an answer of Slurm, after which this is said
KILL = 60.0  # seconds in which Slurm ends what is cancelled


@dataclass(frozen=True)
class SlurmRequest:
    """What is asked of Slurm: the options of sbatch by their names, and the Python of the pilots."""

    options: Mapping[str, str]
    python: str

    def submit(self, book: Book, pilots: int, exclude: Iterable[str]) -> None:
        """Submit the array of a book, away from some nodes. Raises `RequestError`."""
        options = {"signal": "B:USR1@60", **self.options}
        out = [node for node in (options.pop("exclude", ""), *exclude) if node]
        words = [f"--{name}={value}" for name, value in options.items()]
        words += [f"--exclude={','.join(out)}"] if out else []
        words += [f"--array=0-{pilots - 1}", f"--output={book.folder}/log/%a"]
        command = shlex.join((self.python, "-m", PILOT, str(book.folder)))
        book.enter(slurm_queue.submit((*FIXED, *words, f"--wrap=exec {command}")))


@dataclass
class PilotArray:
    """A submitted array, and the runs of its current round that it is expected to do."""

    book: Book
    leave: ExitStack  # closed with the session
    runs: set[str]
    reader: EventReader
    since: int  # the progress of the session when the array was submitted
    id: str = field(init=False)
    presence: Presence = field(init=False)
    reasons: str = ""  # why its tasks wait
    looked: float = 0.0  # when Slurm was asked last
    running: float = field(default_factory=time.monotonic)  # when a task was running last
    answered: float = field(default_factory=time.monotonic)  # when Slurm answered last
    said: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.id, self.presence = self.book.array, Presence.of(self.book, self.leave)

    def begin_round(self, jobs: Sequence[EncodedJob]) -> None:
        """Give jobs to an array whose pilots stay."""
        self.reader = EventReader(self.book, self.book.add_round(jobs, last=False))
        self.runs = {run_id for job in jobs for run_id in job.run_ids}

    def news(self) -> Iterator[Event]:
        """The new events of the pilots, and what a user should read of the array itself."""
        self.presence.show()
        yield from self.reader.news()
        texts = [f"{node} gets no jobs: {why}" for node, why in self.book.refusals().items()]
        now = time.monotonic()
        if now > self.answered + REMARK:
            texts.append("Slurm does not answer; the runs in progress are followed by their files")
        elif now > self.running + REMARK:
            todo = f"; `scontrol release {self.id}` lets it start" if "held" in self.reasons.lower() else ""
            texts.append(f"the Slurm job {self.id} waits: {self.reasons}{todo}")
        yield from map(Noted, (text for text in texts if text not in self.said))
        self.said.update(texts)

    def is_gone(self) -> bool:
        """Whether no task is left. Slurm is asked now and then only."""
        if (now := time.monotonic()) < self.looked + LOOK:
            return False
        tasks, self.looked = slurm_queue.tasks(self.id), now
        if tasks is None:
            return False
        self.answered = now
        if any(task.state != "PENDING" for task in tasks):
            self.running = now
        self.reasons = ", ".join(sorted({task.reason for task in tasks}))
        return not tasks

    def is_done(self) -> bool:
        """Whether all runs of the current round have ended, also those of other commands."""
        number = self.reader.number
        ended = {event.run_id for event in EventReader(self.book, number).news() if isinstance(event, Ended)}
        return all(ended.issuperset(job.run_ids) for job in self.book.jobs(number) or ())

    def last_words(self) -> str:
        """The end of what a pilot has printed, as the end of a sentence; empty if all were silent."""
        logs = (
            path.read_text(encoding="utf-8", errors="replace").split("\n")
            for path in (self.book.folder / "log").glob("*")
        )
        lines = [line for log in logs for line in log if line.strip()]
        return f" ({lines[-1].strip()})" if lines else ""

    def last_news(self) -> Iterator[Event]:
        """The events of an array that is gone, which a network file system may show late."""
        time.sleep(SETTLE)
        yield from self.news()


def end(arrays: Sequence[PilotArray], grace: float) -> None:
    """Let the pilots of arrays save and end; cancel them after `grace` seconds. The books are removed."""
    for array in arrays:
        array.book.stop()
    left, until = list(arrays), time.monotonic() + grace
    while left and time.monotonic() < until:
        for array in left:
            slurm_queue.cancel(array.id, pending_only=True)
        left = _left(left)
    for array in left:
        slurm_queue.cancel(array.id)
    until = time.monotonic() + KILL
    while left and time.monotonic() < until:
        left = _left(left)


def _left(arrays: Sequence[PilotArray]) -> list[PilotArray]:
    """The arrays that have not ended; the books of the others are removed."""
    left = [array for array in arrays if slurm_queue.tasks(array.id) != []]
    for array in arrays:
        if array not in left:
            array.book.remove()
    if left:
        time.sleep(1.0)
    return left
