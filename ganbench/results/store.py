"""A results folder: run folders with atomic files, OS locks and states, and one manifest per suite.

    <root>/runs/<run id>/   spec.json env.json state.json terms.jsonl scores.jsonl absent.jsonl log.txt samples/ ...
    <root>/suites/<name>.json   the suite's manifest; see `ganbench.results.manifest`

The files are the only record of a run. Files are replaced atomically; rows are appended and sealed by `state.json`,
which is written last and holds the length and SHA-256 of the sealed part. Needs the standard library and filelock only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from io import FileIO
from pathlib import Path
from typing import IO, Any, cast

from filelock import FileLock, Timeout

from ganbench.errors import DamagedRun, RequestError
from ganbench.results.state import ROWS, AbsentRow, Row, ScoreRow, State, Status, TermsRow, rows_of, state_of

__all__ = ["ROWS", "Row", "RunFolder", "State", "Status", "Store", "write_bytes", "write_json"]

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
        self.path.parent.joinpath(".locks").mkdir(parents=True, exist_ok=True)
        return FileLock(self.path.parent / ".locks" / f"{self.run_id}.lock")

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
        """The state. Compares each sealed file with its seal, and reads every row of a run that is not finished.

        Raises `DamagedRun`.
        """
        state = self.state()
        if state is not None:
            for name, content in self._sealed_contents(state).items():
                if not state.finished:
                    self._rows(name, content)
        return state

    def checked_scores(self) -> tuple[State | None, list[ScoreRow]]:
        """The state as `check` returns it, and the scores; each file is read once. Raises `DamagedRun`."""
        state = self.state()
        if state is None:
            return None, []
        contents = self._sealed_contents(state)
        if not state.finished:
            self._rows("terms.jsonl", contents["terms.jsonl"])
        return state, cast("list[ScoreRow]", self._rows("scores.jsonl", contents["scores.jsonl"]))

    def _sealed_contents(self, state: State) -> dict[str, bytes]:
        """The content of each file of rows. Raises `DamagedRun` if one does not match its seal."""
        contents = {name: self._bytes(name) or b"" for name in ROWS}
        for name, (size, digest) in state.sealed.items():
            sealed = contents[name][:size]
            if len(sealed) < size or hashlib.sha256(sealed).hexdigest() != digest:
                raise self._damaged(name, "its content does not match the seal in state.json")
        return contents

    def write_state(self, state: State, *, seal: bool = True) -> None:
        """Seal the rows and replace `state.json` atomically. This is the last write of any change.

        Without `seal` the state seals no rows. A change that rewrites rows begins with such a write.
        """
        sealed = {name: _seal(self.path / name) for name in ROWS if seal and (self.path / name).exists()}
        write_json(self.path / "state.json", asdict(state) | {"sealed": sealed})

    def fail(self, state: State, error: str, log: str) -> State:
        """Append to the log and record why the run failed. On disk, a run that was finished before stays finished."""
        self.log(log)
        failed = replace(state, status="failed", error=error)
        if not state.finished:
            self.write_state(failed)
        return failed

    def log(self, text: str) -> None:
        """Append to the log."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "log.txt").open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)

    def rows(self, name: str) -> list[Row]:
        """The complete rows of a file of `ROWS`. A last line without a newline was still being written and is left out.

        Raises `DamagedRun`.
        """
        return self._rows(name, self._bytes(name) or b"")

    def terms(self) -> list[TermsRow]:
        """The rows of `terms.jsonl`. Raises `DamagedRun`."""
        return cast("list[TermsRow]", self.rows("terms.jsonl"))

    def scores(self) -> list[ScoreRow]:
        """The rows of `scores.jsonl`. Raises `DamagedRun`."""
        return cast("list[ScoreRow]", self.rows("scores.jsonl"))

    def append_terms(self, rows: Iterable[TermsRow]) -> None:
        """Append rows to `terms.jsonl`."""
        self.append("terms.jsonl", rows)

    def append_scores(self, rows: Iterable[ScoreRow]) -> None:
        """Append rows to `scores.jsonl`."""
        self.append("scores.jsonl", rows)

    def absent(self) -> list[AbsentRow]:
        """The rows of `absent.jsonl`. Raises `DamagedRun`."""
        return cast("list[AbsentRow]", self.rows("absent.jsonl"))

    def append_absent(self, rows: Iterable[AbsentRow]) -> None:
        """Append rows to `absent.jsonl`."""
        self.append("absent.jsonl", rows)

    def append(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows to a file of `ROWS` and drop a last line that was not finished. `write_state` seals the rows."""
        content = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()
        if content:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / name).open("a+b") as file:
                _drop_torn_line(file)
                file.write(content)

    def keep_rows_until(self, step: int) -> None:
        """Drop the rows after a step. A run that resumes at that step writes them again."""
        for name in filter(lambda name: (self.path / name).exists(), ROWS):
            kept = [row for row in self.rows(name) if row["step"] <= step]
            write_bytes(self.path / name, "".join(json.dumps(row) + "\n" for row in kept).encode())

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON object from a file of the folder, or None if there is no such file. Raises `DamagedRun`."""
        content = self._bytes(name)
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
        shutil.rmtree(self.path, ignore_errors=True)

    def checkpoint(self, step: int | None = None) -> Path:
        """`checkpoints/last.pt`, with everything needed to resume, or the file of the generator at a mark."""
        return self.path / "checkpoints" / ("last.pt" if step is None else f"{step}.pt")

    def log_end(self, lines: int = LOG_LINES) -> list[str]:
        """The last lines of `log.txt`."""
        return (self._bytes("log.txt") or b"").decode(errors="replace").splitlines()[-lines:]

    def _bytes(self, name: str) -> bytes | None:
        try:
            with FileIO(f"{self.path}/{name}") as file:  # a report reads tens of thousands of small files
                return file.readall()
        except FileNotFoundError:
            return None

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
        return RunFolder(self.root / "runs" / run_id)

    def runs(self) -> list[RunFolder]:
        """Every run folder, sorted by id."""
        folders = (self.root / "runs").glob("*/spec.json")
        return [RunFolder(path.parent) for path in sorted(folders)]

    def manifest_path(self, suite: str) -> Path:
        """The file of a suite's manifest; see `ganbench.results.manifest`."""
        return self.root / "suites" / f"{suite}.json"

    def suites(self) -> list[str]:
        """The names of the suites that ran here."""
        return sorted(path.stem for path in (self.root / "suites").glob("*.json"))


def write_json(path: Path, body: dict[str, Any]) -> None:
    """Replace a JSON file atomically."""
    write_bytes(path, (json.dumps(body, indent=1, allow_nan=False) + "\n").encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file atomically: a reader sees either the old content or the new content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            _sync(file)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _drop_torn_line(file: IO[bytes]) -> None:
    """Cut a file that is open for appending back to its last newline. Usually it ends with a newline."""
    size = file.seek(0, os.SEEK_END)
    if size and (file.seek(size - 1), file.read(1))[1] != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _seal(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        content = file.read()
    return len(content), hashlib.sha256(content).hexdigest()
