"""What a run has recorded: the part of its files that counts. `RunFolder.read` makes it, for every reader."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ganbench.errors import DamagedRun
from ganbench.results.files import signed_json
from ganbench.results.state import ROWS, AbsentRow, Row, ScoreRow, State, TermsRow, rows_of, sessions_of, with_rows

AGAIN = "the run is done again by `ganbench run`"
CURES = {  # of the files for which the run need not be done again
    "spec.json": "`ganbench run` writes it again",
    "log.txt": "remove it; `ganbench run --retry-failed` writes a new one",
}


@dataclass(frozen=True)
class RunContent:
    """The state of a run and the content of its files, which agree. The methods raise `DamagedRun`."""

    path: Path  # of the run folder
    state: State  # a mark without a score counts as not `scored`
    in_progress: bool  # whether a process is filling the folder
    _files: Mapping[str, bytes]
    _scores: list[ScoreRow]
    _environment: dict[str, Any]

    def terms(self) -> list[TermsRow]:
        """The rows of `terms.jsonl`."""
        return cast("list[TermsRow]", rows_in(self.path, "terms.jsonl", self._files["terms.jsonl"]))

    def scores(self) -> list[ScoreRow]:
        """The rows of `scores.jsonl`."""
        return self._scores

    def absent(self) -> list[AbsentRow]:
        """The rows of `absent.jsonl`."""
        return cast("list[AbsentRow]", rows_in(self.path, "absent.jsonl", self._files["absent.jsonl"]))

    def environment(self) -> dict[str, Any]:
        """What the latest session of the run ran on, from `env.json`; empty if the run was never begun."""
        return self._environment


def content_of(path: Path, state: State, files: Mapping[str, bytes], in_progress: bool) -> RunContent:
    """The content of a run folder by its state and the bytes of its sealed files. Raises `DamagedRun`.

    Rows after the seals count only if the run is `in_progress`; in an unfinished run they must be rows all the same.
    """
    for name, (size, digest) in state.sealed.items():
        sealed = files[name][:size]
        if len(sealed) < size or hashlib.sha256(sealed).hexdigest() != digest:
            raise damaged(path / name, "its content does not match the seal in state.json")
    if not state.finished:
        for name in ROWS:
            rows_in(path, name, files[name])
    sealed_only = {name: content[: state.sealed_size(name)] for name, content in files.items() if name in ROWS}
    counting = dict(files) if in_progress else {**files, **sealed_only}
    scores = cast("list[ScoreRow]", rows_in(path, "scores.jsonl", counting["scores.jsonl"]))
    return RunContent(
        path, with_rows(state, scores), in_progress, counting, scores, _environment_in(path, counting["env.json"])
    )


def rows_in(folder: Path, name: str, content: bytes) -> list[Row]:
    """The complete rows in the content of a file of `ROWS`. Raises `DamagedRun`."""
    try:
        return rows_of(content, name)
    except (ValueError, RecursionError) as error:
        raise damaged(folder / name, str(error)) from None


def json_object(folder: Path, name: str, content: bytes) -> dict[str, Any]:
    """The object in the content of a JSON file. Raises `DamagedRun`."""
    try:
        return signed_json(content)
    except ValueError as error:
        raise damaged(folder / name, str(error)) from None


def _environment_in(folder: Path, content: bytes) -> dict[str, Any]:
    """That of the latest session in the content of `env.json`. Raises `DamagedRun`."""
    try:
        return (sessions_of(json_object(folder, "env.json", content) if content else {}) or [{}])[-1]
    except ValueError as error:
        raise damaged(folder / "env.json", str(error)) from None


def damaged(path: Path, why: str) -> DamagedRun:
    """The error about a file of a run folder."""
    return DamagedRun(str(path), f"damaged: {why}", todo=CURES.get(path.name, AGAIN))
