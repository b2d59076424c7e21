"""A results folder: run folders with atomic files, OS locks and states, and one manifest per suite.

    <root>/runs/<run id>/   spec.json env.json state.json terms.jsonl scores.jsonl absent.jsonl log.txt samples/ ...
    <root>/suites/<name>.json   the suite's manifest; see `ganbench.results.manifest`
    <root>/real/<digest>.png    real samples of a data set; see `ganbench.results.real`

The files are the only record of a run. Files are replaced atomically; rows are appended. `state.json` is written last
and seals the rows and `env.json`: it holds their length and SHA-256. Each JSON file holds its own SHA-256. Every reader
takes a run from `RunFolder.read`. Needs the standard library and filelock only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from errno import EINVAL, EISDIR, ELOOP, ENOTDIR
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from ganbench.errors import DamagedRun, RequestError, TakenOver
from ganbench.results.content import RunContent, content_of, damaged, json_object, rows_in
from ganbench.results.files import (
    LEFT_BEHIND,
    Owner,
    appending,
    lock_file,
    make_way,
    read_bytes,
    remove,
    remove_leftovers,
    write_bytes,
    write_signed_json,
)
from ganbench.results.names import path_in, why_no_name
from ganbench.results.state import ROWS, SEALED, Row, Seal, State, Status, state_of

__all__ = ["ROWS", "SEALED", "Row", "RunFolder", "State", "Status", "Store"]

LOG_LINES = 40  # a traceback in torch has six lines for each nested module, before the user's own lines
READS = 3  # attempts at a folder that changes while it is read
NOT_A_FILE = (EISDIR, ENOTDIR, EINVAL, ELOOP)


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run. Only the process that holds `lock()` writes into it."""

    path: Path
    owner: Owner | None = field(default=None, compare=False)  # the process that fills it; None for a reader

    @property
    def run_id(self) -> str:
        return self.path.name

    def lock(self) -> FileLock:
        """An OS file lock, not yet acquired. `acquire(timeout=0)` raises `Timeout` while another process holds it.

        A process that is killed releases its locks.
        """
        return lock_file(self.path.parent / ".locks" / f"{self.run_id}.lock")

    @contextmanager
    def owned(self, timeout: float) -> Iterator[RunFolder]:
        """Locked for writing, or `Timeout`. If another process takes the lock, writes raise `TakenOver`."""
        token = self.path.parent / ".locks" / f"{self.run_id}.owner"
        with self.lock().acquire(timeout=timeout), Owner.claimed(token) as owner:
            yield replace(self, owner=owner)

    def check_owner(self) -> None:
        """Raises `TakenOver` where another process has taken the lock since; to be called before each write."""
        if self.owner and not self.owner.is_current():
            raise TakenOver(str(self.path), "another process fills this run now", todo="nothing more is written here")

    def busy(self) -> bool:
        """Whether another process is filling this folder."""
        try:
            with self.lock().acquire(timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # nothing can be written here
            return False

    def state(self) -> State | None:
        """The state, or None if the run was never started. Raises `DamagedRun` if the file is damaged."""
        body = self.read_json("state.json")
        if body is None:
            return None
        try:
            return state_of(body)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise damaged(self.path / "state.json", f"{type(error).__name__}: {error}") from None

    def check(self) -> State | None:
        """The state, in which a mark without a score counts as not `scored`. Raises `DamagedRun`."""
        content = self.read()
        return content.state if content else None

    def read(self) -> RunContent | None:
        """What the run has recorded, or None if it was never started. Raises `DamagedRun`.

        All sealed content is compared with its seal. Rows after the seals are those of a run in progress: they count
        while its state is `running` and a process holds its lock. Once it has stopped, they count no longer, because
        the run will write them again; in an unfinished run each of them must still be a row.
        """
        for _ in range(READS - 1):
            state = self.state()
            try:
                return self._read(state)
            except DamagedRun:
                if self.state() == state:
                    raise
        return self._read(self.state())  # the process that fills the folder has rewritten it meanwhile

    def _read(self, state: State | None) -> RunContent | None:
        if state is None:
            return None
        in_progress = state.status == "running" and self.busy()
        return content_of(self.path, state, self._sealed_files(), in_progress)

    def _sealed_files(self) -> dict[str, bytes]:
        return {name: self.read_bytes(name) or b"" for name in SEALED}

    def write_state(self, state: State, *, seal: bool = True, written: Mapping[str, Seal] | None = None) -> None:
        """Seal the files and replace `state.json` atomically. This is the last write of any change.

        Without `seal` the state seals no file. A change that rewrites rows begins with such a write. Raises
        `DamagedRun` if a file differs from what was `written`, a seal for each name.
        """
        self.check_owner()
        sealed = {name: _seal(self.path / name) for name in SEALED if seal and (self.path / name).exists()}
        for name, expected in (written or {}).items():
            if sealed.get(name) != expected:
                raise damaged(self.path / name, "it was deleted or changed while the run was in progress")
        write_signed_json(self.path / "state.json", asdict(state) | {"sealed": sealed})

    def fail(self, state: State, error: str, log: str) -> State:
        """Append to the log and record why the run failed. On disk, a run that was finished before stays finished.

        The rows until the failure are sealed, unless a sealed file has been lost since: that is still damage when the
        run is tried again.
        """
        self.log(log)
        failed = replace(state, status="failed", error=error)
        if not state.finished:
            for name in ROWS:
                self.append(name, ())
            self.write_json("state.json", asdict(failed) | {"sealed": self._seals(state)})
        return failed

    def _seals(self, state: State) -> dict[str, Seal]:
        """The seals of the files as they are, or those of the state where a file does not match them."""
        try:
            content_of(self.path, state, self._sealed_files(), in_progress=True)
        except DamagedRun:
            return state.sealed
        return {name: _seal(self.path / name) for name in SEALED if (self.path / name).exists()}

    def log(self, text: str) -> None:
        """Append to the log."""
        self.check_owner()
        make_way(self.path / "log.txt")
        with appending(self.path / "log.txt") as file:
            file.write(text.encode("utf-8", "backslashreplace"))

    def append(self, name: str, rows: Iterable[Mapping[str, Any]]) -> bytes:
        """Append rows to a file of `ROWS`, in place of an unfinished last line, and return the appended content."""
        self.check_owner()
        content = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()
        if content or (self.path / name).is_file():
            with appending(self.path / name) as file:
                _drop_torn_line(file)
                file.write(content)
        return content

    def keep_rows_until(self, step: int) -> None:
        """Drop the rows after a step. A run that resumes at that step writes them again."""
        self.check_owner()
        for name in filter(lambda name: (self.path / name).exists(), ROWS):
            content = self.read_bytes(name) or b""
            kept = [row for row in rows_in(self.path, name, content) if row["step"] <= step]
            write_bytes(self.path / name, "".join(json.dumps(row) + "\n" for row in kept).encode())

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON object from a file of the folder, or None if there is no such file. Raises `DamagedRun`."""
        content = self.read_bytes(name)
        return None if content is None else json_object(self.path, name, content)

    def spec(self) -> dict[str, Any]:
        """The content of `spec.json`; empty for a run that failed before it was begun. Raises `DamagedRun`."""
        body, path = self.read_json("spec.json"), self.path / "spec.json"
        if body is None and (self.path / "env.json").exists():
            raise damaged(path, "it is missing")
        if not all(isinstance((body or {}).get(key, {}), dict) for key in ("spec", "columns")):
            raise damaged(path, "it holds no spec")
        return body or {}

    def write_json(self, name: str, body: dict[str, Any]) -> None:
        """Replace a JSON file of the folder."""
        self.check_owner()
        write_signed_json(self.path / name, body)

    def clear(self) -> None:
        """Remove everything that the run wrote, so that it starts from the beginning.

        The state goes first: a reader never finds it without its rows.
        """
        self.check_owner()
        remove(self.path / "state.json")
        remove(self.path)

    def checkpoint(self, step: int | None = None) -> Path:
        """`checkpoints/last.pt`, with everything needed to resume, or the file of the generator at a mark."""
        return self.path / "checkpoints" / ("last.pt" if step is None else f"{step}.pt")

    def log_end(self, lines: int = LOG_LINES) -> list[str]:
        """The last lines of `log.txt`, or why it can't be read."""
        try:
            return (self.read_bytes("log.txt") or b"").decode(errors="replace").splitlines()[-lines:]
        except DamagedRun as damage:
            return [str(damage)]

    def read_bytes(self, name: str) -> bytes | None:
        """The content of a file, or None if there is no such file."""
        try:
            return read_bytes(f"{self.path}/{name}")  # a report reads tens of thousands of small files
        except OSError as error:
            if error.errno not in NOT_A_FILE:
                raise
            why = "it is a link, and no file of a run is" if error.errno == ELOOP else str(error.strerror)
            raise damaged(self.path / name, why) from None


@dataclass(frozen=True)
class Store:
    """A results folder."""

    root: Path

    def open(self) -> Store:
        """Create the folder and check that it is writable. Raises `RequestError`."""
        try:
            for name in ("runs", "suites", "cache"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            write_bytes(self.root / ".writable", b"")
            (self.root / ".writable").unlink()
            for folder in (self.root, self.root / "suites", self.root / "tune"):  # they have no lock
                remove_leftovers(folder, age=LEFT_BEHIND)
        except OSError as error:
            raise RequestError(
                str(self.root),
                f"can't write results here: {error.strerror}",
                todo="choose another folder with --results",
            ) from None
        return self

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    def run(self, run_id: str) -> RunFolder:
        """The folder of a run. Raises `RequestError` for an id that names no folder in `runs`."""
        return RunFolder(path_in(self.root / "runs", run_id))

    def runs(self) -> list[RunFolder]:
        """Every run folder, sorted by id, also that of a run that failed before its spec was written."""
        files = [path for name in ("spec.json", "state.json") for path in (self.root / "runs").glob(f"*/{name}")]
        return [RunFolder(path) for path in sorted({file.parent for file in files})]

    def manifest_path(self, suite: str) -> Path:
        """The file of a suite's manifest; see `ganbench.results.manifest`."""
        return path_in(self.root / "suites", suite, ".json")

    def suites(self) -> list[str]:
        """The names of the suites that ran here."""
        names = (path.stem for path in (self.root / "suites").glob("*.json"))
        return sorted(name for name in names if not why_no_name(name))


def _drop_torn_line(file: IO[bytes]) -> None:
    """Cut a file that is open for appending back to its last newline. Usually it ends with a newline."""
    size = file.seek(0, os.SEEK_END)
    if size and (file.seek(size - 1), file.read(1))[1] != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _seal(path: Path) -> Seal:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        content = file.read()
    return len(content), hashlib.sha256(content).hexdigest()
