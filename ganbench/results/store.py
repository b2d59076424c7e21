"""A results folder: run folders with atomic files, OS locks and states, and one manifest per suite.

    <root>/runs/<run id>/   spec.json env.json state.json terms.jsonl scores.jsonl absent.jsonl log.txt samples/ ...
    <root>/suites/<name>.json   the suite's manifest; see `ganbench.results.manifest`

The files are the only record of a run. Files are replaced atomically; rows are appended. `state.json` is written last
and seals the rows and `env.json`: it holds their length and SHA-256. Needs the standard library and filelock only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from errno import ELOOP
from pathlib import Path
from typing import IO, Any, cast

from filelock import FileLock, Timeout

from ganbench.errors import DamagedRun, RequestError
from ganbench.results.files import (
    LEFT_BEHIND,
    appending,
    lock_file,
    read_unlinked,
    remove,
    remove_leftovers,
    write_bytes,
    write_json,
)
from ganbench.results.names import path_in, why_no_name
from ganbench.results.state import (
    ROWS,
    SEALED,
    AbsentRow,
    Row,
    ScoreRow,
    Seal,
    State,
    Status,
    TermsRow,
    rows_of,
    state_of,
    with_rows,
)

__all__ = ["ROWS", "SEALED", "Row", "RunFolder", "State", "Status", "Store"]

LOG_LINES = 40  # a traceback in torch has six lines for each nested module, before the user's own lines


@dataclass(frozen=True)
class RunFolder:
    """The folder of a run. Only the process that holds `lock()` writes into it."""

    path: Path

    @property
    def run_id(self) -> str:
        return self.path.name

    def lock(self) -> FileLock:
        """An OS file lock, not yet acquired. `acquire(timeout=0)` raises `Timeout` while another process holds it.

        A process that is killed releases its locks.
        """
        return lock_file(self.path.parent / ".locks" / f"{self.run_id}.lock")

    def busy(self) -> bool:
        """Whether another process is filling this folder."""
        try:
            with self.lock().acquire(timeout=0):
                return False
        except Timeout:
            return True

    def state(self) -> State | None:
        """The state, or None if the run was never started. Raises `DamagedRun` if the file is damaged."""
        body = self.read_json("state.json")
        if body is None:
            return None
        try:
            return state_of(body)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise self._damaged("state.json", f"{type(error).__name__}: {error}") from None

    def check(self) -> State | None:
        """The state, in which a mark without a score counts as not `scored`. Raises `DamagedRun`.

        Compares each sealed file with its seal, and reads every row of a run that is not finished.
        """
        return self.checked_scores()[0]

    def checked_scores(self) -> tuple[State | None, list[ScoreRow]]:
        """The state as `check` returns it, and the scores; each file is read once. Raises `DamagedRun`.

        Of a finished run, only sealed rows are read. Others were left by a process that was killed.
        """
        state = self.state()
        if state is None:
            return None, []
        contents = {name: self.read_bytes(name) for name in SEALED}
        for name, (size, digest) in state.sealed.items():
            sealed = (contents[name] or b"")[:size]
            if len(sealed) < size or hashlib.sha256(sealed).hexdigest() != digest:
                raise self._damaged(name, "its content does not match the seal in state.json")
        self._json("env.json", contents["env.json"])
        scores = contents["scores.jsonl"] or b""
        if state.finished:
            scores = scores[: state.sealed_size("scores.jsonl")]
        else:
            for name in ROWS:
                self._rows(name, contents[name] or b"")
        rows = cast("list[ScoreRow]", self._rows("scores.jsonl", scores))
        return with_rows(state, rows), rows

    def write_state(self, state: State, *, seal: bool = True, written: Mapping[str, Seal] | None = None) -> None:
        """Seal the files and replace `state.json` atomically. This is the last write of any change.

        Without `seal` the state seals no file. A change that rewrites rows begins with such a write. Raises
        `DamagedRun` if a file differs from what was `written`, a seal for each name.
        """
        sealed = {name: _seal(self.path / name) for name in SEALED if seal and (self.path / name).exists()}
        for name, expected in (written or {}).items():
            if sealed.get(name) != expected:
                raise self._damaged(name, "it was deleted or changed while the run was in progress")
        write_json(self.path / "state.json", asdict(state) | {"sealed": sealed})

    def fail(self, state: State, error: str, log: str) -> State:
        """Append to the log and record why the run failed. On disk, a run that was finished before stays finished.

        The seals stay: a file that has been lost since is still damage when the run is tried again.
        """
        self.log(log)
        failed = replace(state, status="failed", error=error)
        if not state.finished:
            write_json(self.path / "state.json", asdict(failed))
        return failed

    def log(self, text: str) -> None:
        """Append to the log."""
        with appending(self.path / "log.txt") as file:
            file.write(text.encode("utf-8", "backslashreplace"))

    def rows(self, name: str) -> list[Row]:
        """The complete rows of a file of `ROWS`. A last line without a newline was still being written and is left out.

        Raises `DamagedRun`.
        """
        return self._rows(name, self.read_bytes(name) or b"")

    def terms(self) -> list[TermsRow]:
        """The rows of `terms.jsonl`. Raises `DamagedRun`."""
        return cast("list[TermsRow]", self.rows("terms.jsonl"))

    def scores(self) -> list[ScoreRow]:
        """The rows of `scores.jsonl`. Raises `DamagedRun`."""
        return cast("list[ScoreRow]", self.rows("scores.jsonl"))

    def absent(self) -> list[AbsentRow]:
        """The rows of `absent.jsonl`. Raises `DamagedRun`."""
        return cast("list[AbsentRow]", self.rows("absent.jsonl"))

    def append(self, name: str, rows: Iterable[Mapping[str, Any]]) -> bytes:
        """Append rows to a file of `ROWS`, in place of an unfinished last line, and return the appended content."""
        content = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()
        if content:
            with appending(self.path / name) as file:
                _drop_torn_line(file)
                file.write(content)
        return content

    def keep_rows_until(self, step: int) -> None:
        """Drop the rows after a step. A run that resumes at that step writes them again."""
        for name in filter(lambda name: (self.path / name).exists(), ROWS):
            kept = [row for row in self.rows(name) if row["step"] <= step]
            write_bytes(self.path / name, "".join(json.dumps(row) + "\n" for row in kept).encode())

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON object from a file of the folder, or None if there is no such file. Raises `DamagedRun`."""
        return self._json(name, self.read_bytes(name))

    def _json(self, name: str, content: bytes | None) -> dict[str, Any] | None:
        if content is None:
            return None
        try:
            body = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._damaged(name, str(error)) from None
        if not isinstance(body, dict):
            raise self._damaged(name, "it is not a JSON object")
        return body

    def clear(self) -> None:
        """Remove everything that the run wrote, so that it starts from the beginning."""
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
            return read_unlinked(f"{self.path}/{name}")  # a report reads tens of thousands of small files
        except FileNotFoundError:
            return None
        except (IsADirectoryError, NotADirectoryError) as error:
            raise self._damaged(name, str(error.strerror)) from None
        except OSError as error:
            if error.errno == ELOOP:
                raise self._damaged(name, "it is a link, and no file of a run is") from None
            raise

    def _rows(self, name: str, content: bytes) -> list[Row]:
        try:
            return rows_of(content, name)
        except (ValueError, RecursionError) as error:
            raise self._damaged(name, str(error)) from None

    def _damaged(self, name: str, why: str) -> DamagedRun:
        return DamagedRun(str(self.path / name), f"damaged: {why}", todo="the run is done again")


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
