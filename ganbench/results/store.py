"""A results folder: run folders with atomic files, OS locks and states, and one manifest per suite.

    <root>/runs/<run id>/   spec.json env.json state.json terms.jsonl scores.jsonl log.txt samples/ checkpoints/
    <root>/suites/<name>.json   what the suite asked for: its runs, what it left out and why, its marks and its rule

Files are the truth. What a reader relies on is replaced atomically; rows are appended and sealed by `state.json`,
which is written last and holds the length and SHA-256 of the sealed part. Standard library and filelock only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from io import FileIO
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from ganbench.errors import DamagedRun, RequestError
from ganbench.results.state import ROWS, Row, State, Status, rows_of, state_of

__all__ = ["ROWS", "Row", "RunFolder", "State", "Status", "Store", "write_bytes", "write_json"]

LOG_LINES = 40  # an error within torch has six for each module that was entered, then comes the user's own


@dataclass(frozen=True)
class RunFolder:
    """One run's folder. Only the process that holds `lock()` writes into it."""

    path: Path

    @property
    def run_id(self) -> str:
        return self.path.name

    def lock(self) -> FileLock:
        """An OS file lock, not yet acquired; a killed process leaves none behind. `acquire(timeout=0)` or `Timeout`."""
        self.path.parent.joinpath(".locks").mkdir(parents=True, exist_ok=True)
        return FileLock(self.path.parent / ".locks" / f"{self.run_id}.lock")

    def busy(self) -> bool:
        """Whether another process fills this folder now."""
        try:
            with self.lock().acquire(timeout=0):
                return False
        except Timeout:
            return True

    def state(self) -> State | None:
        """The state, or None when the run was never started. Raises `DamagedRun` for a file that can't be believed."""
        body = self.read_json("state.json")
        if body is None:
            return None
        try:
            return state_of(body)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise self._damaged("state.json", f"{type(error).__name__}: {error}") from None

    def check(self) -> State | None:
        """`state()`, with every sealed file compared with its seal, and every row read of a run that goes on.

        Raises `DamagedRun`.
        """
        return self.checked()[0]

    def checked(self, *names: str) -> tuple[State | None, dict[str, list[Row]]]:
        """What `check` gives and the rows of these files, every file read once. Raises `DamagedRun`."""
        state = self.state()
        if state is None:
            return None, {}
        contents = {name: self._bytes(name) or b"" for name in ROWS}
        for name, (size, digest) in state.sealed.items():
            sealed = contents[name][:size]
            if len(sealed) < size or hashlib.sha256(sealed).hexdigest() != digest:
                raise self._damaged(name, "its content is not what state.json sealed")
        return state, {name: self._rows(name, contents[name]) for name in (names if state.finished else ROWS)}

    def write_state(self, state: State, *, seal: bool = True) -> None:
        """Seal the rows as they are now and replace `state.json` atomically: the last write of any change.

        Without `seal` the state vouches for no row: the first write of a change that rewrites rows.
        """
        sealed = {name: _seal(self.path / name) for name in ROWS if seal and (self.path / name).exists()}
        write_json(self.path / "state.json", asdict(state) | {"sealed": sealed})

    def fail(self, state: State, error: str, log: str) -> State:
        """Append to the log, and record why the run could not go on; one that was finished before stays so on disk."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "log.txt").open("a") as file:
            file.write(log)
        failed = replace(state, status="failed", error=error)
        if not state.finished:
            self.write_state(failed)
        return failed

    def rows(self, name: str) -> list[Row]:
        """The complete rows of a JSONL file; a last line without its newline was being written and is left out."""
        return self._rows(name, self._bytes(name) or b"")

    def append(self, name: str, rows: Iterable[Row]) -> None:
        """Append rows to a JSONL file, in place of a last line that was never finished; `write_state` seals them."""
        content = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()
        if content:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / name).open("a+b") as file:
                _drop_torn_line(file)
                file.write(content)

    def keep_rows_until(self, step: int) -> None:
        """Drop rows past a step: a run resumed at that step writes them again."""
        for name in ROWS:
            kept = [row for row in self.rows(name) if row["step"] <= step]
            write_bytes(self.path / name, "".join(json.dumps(row) + "\n" for row in kept).encode())

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A JSON object of the folder, or None where there is no such file."""
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
        """Remove everything the run wrote; the run starts anew."""
        shutil.rmtree(self.path, ignore_errors=True)

    def checkpoint(self, step: int | None = None) -> Path:
        """`checkpoints/last.pt` (everything, to resume), or the generator alone at a mark."""
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
        """Create the folder and prove that it is writable. Raises `RequestError`."""
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
        """The file that `ganbench.results.manifest` reads and writes."""
        return self.root / "suites" / f"{suite}.json"

    def suites(self) -> list[str]:
        """The names of the suites that ran here."""
        return sorted(path.stem for path in (self.root / "suites").glob("*.json"))


def write_json(path: Path, body: dict[str, Any]) -> None:
    """Replace a JSON file atomically."""
    write_bytes(path, (json.dumps(body, indent=1, allow_nan=False) + "\n").encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Replace a file atomically: a reader sees the old content or the new, whatever happens in between."""
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
    """Cut a file that is open for appending back to its last newline; most often it ends with one."""
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
