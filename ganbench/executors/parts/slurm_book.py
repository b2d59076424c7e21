"""The folder through which the parent of a Slurm array and its pilots talk, on the file system that they share.

<results>/slurm/<name>/
  settings              of the workers on every node
  probe, probe.nonce    what a node must find; the parent locks the first while it follows the book
  0.jobs, 1.jobs ...    the encoded jobs of each round, one a line; the half-rounds of a search, else a single round
  last                  no further round comes
  array                 the id of the array in Slurm
  beat                  a number that a parent changes while it follows the book
  stop                  all pilots save what they are doing and end
  events/0.<pilot>      the events of a round, one a line, by one session of one pilot
  refused/<node>        why a node gets no jobs
  log/<task>            what a pilot prints
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ganbench.executors.parts.probe import Probe, take
from ganbench.results.files import appending, remove, write_bytes
from ganbench.runner import events, settings
from ganbench.runner.job import EncodedJob

FOLDER = "slurm"  # in the results folder


@dataclass(frozen=True)
class Book:
    """The folder of one array."""

    folder: Path

    @classmethod
    def new(cls, own: settings.WorkerSettings) -> Book:
        """A book without jobs."""
        book = cls(own.results / FOLDER / secrets.token_hex(6))
        for name in ("events", "refused", "log"):
            (book.folder / name).mkdir(parents=True)
        book._write("settings", settings.encode(own))
        book._write("probe.json", Probe.written(book.folder / "probe", own).encode())
        return book

    @classmethod
    def submitted(cls, results: Path) -> list[Book]:
        """The books in a results folder whose array was submitted, the oldest first."""
        arrays = sorted((results / FOLDER).glob("*/array"), key=lambda path: path.stat().st_mtime)
        return [book for book in (cls(path.parent) for path in arrays) if book.array.isdecimal()]

    @property
    def settings(self) -> settings.WorkerSettings:
        return settings.decode((self.folder / "settings").read_text(encoding="utf-8"))

    @property
    def probe(self) -> Probe:
        return Probe.decode((self.folder / "probe.json").read_text(encoding="utf-8"))

    @property
    def array(self) -> str:
        return (self.folder / "array").read_text(encoding="utf-8")

    def enter(self, array: str) -> None:
        """Note the id of the array."""
        self._write("array", array)

    def add_round(self, jobs: Sequence[EncodedJob], last: bool) -> int:
        """Add jobs for all pilots, and return the number of their round; with `last`, none come after them."""
        number = len(list(self.folder.glob("*.jobs")))
        if last:
            self.close()
        self._write(f"{number}.jobs", "".join(f"{job.line}\n" for job in jobs))
        return number

    def jobs(self, number: int) -> list[EncodedJob] | None:
        """The jobs of a round; None while it has not been added."""
        try:
            return [
                EncodedJob(line) for line in (self.folder / f"{number}.jobs").read_text(encoding="utf-8").splitlines()
            ]
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Say that no further round comes."""
        self._write("last", "")

    @property
    def is_closed(self) -> bool:
        return (self.folder / "last").exists()

    def stop(self) -> None:
        """Let all pilots save what they are doing and end."""
        if self.folder.exists():
            self._write("stop", "")

    @property
    def is_stopped(self) -> bool:
        return (self.folder / "stop").exists() or not self.folder.exists()

    def refuse(self, node: str, reason: str) -> None:
        """Note that a node gets no jobs."""
        self._write(f"refused/{node}", reason)

    def refusals(self) -> dict[str, str]:
        """Why nodes get no jobs, by their names."""
        return {path.name: path.read_text(encoding="utf-8") for path in sorted((self.folder / "refused").glob("[!.]*"))}

    def append(self, number: int, pilot: str, event: events.Event) -> None:
        """Append an event. The file is closed each time, so that a network file system passes it on."""
        with appending(self.folder / "events" / f"{number}.{pilot}") as file:
            file.write(events.encode(event).encode() + b"\n")

    def beat(self, count: int) -> None:
        """Show the pilots that a parent follows them."""
        self._write("beat", str(count))

    def last_beat(self) -> str:
        """What the parent has shown last; it changes while there is one."""
        with suppress(OSError):
            return (self.folder / "beat").read_text(encoding="utf-8")
        return ""

    def remove(self) -> None:
        """Remove the book of an array that has ended."""
        remove(self.folder)

    def _write(self, name: str, text: str) -> None:
        write_bytes(self.folder / name, text.encode())


@dataclass
class EventReader:
    """Reads the events of a round that all pilots have appended since the last look."""

    book: Book
    number: int
    read: dict[Path, int] = field(default_factory=dict)  # bytes of each file

    def news(self) -> Iterator[events.Event]:
        """The new events. A line that is not complete is left for the next look."""
        for path in sorted((self.book.folder / "events").glob(f"{self.number}.*")):
            with suppress(FileNotFoundError), path.open("rb") as file:
                file.seek(self.read.get(path, 0))
                content = file.read()
                complete = content[: content.rfind(b"\n") + 1]
                self.read[path] = self.read.get(path, 0) + len(complete)
                yield from map(events.decode, complete.decode().splitlines())


@dataclass
class Presence:
    """A parent that follows a book: it holds the lock of the probe, if no other parent does, and its beat goes on."""

    book: Book
    lock: IO[bytes]
    count: int = 0

    @classmethod
    def of(cls, book: Book, leave: ExitStack) -> Presence:
        """Follow a book until `leave` is closed. Raises `RequestError` where there are no locks."""
        presence = cls(book, leave.enter_context((book.folder / "probe").open("rb+")))
        presence.show()
        return presence

    def show(self) -> None:
        """Show the pilots once more that there is a parent."""
        take(self.lock)
        self.count += 1
        if self.book.folder.exists():
            self.book.beat(self.count)
