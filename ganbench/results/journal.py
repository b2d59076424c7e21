"""The files of a run in progress, as the process that fills its folder wrote them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganbench.errors import DamagedRun
from ganbench.results.files import remove, remove_leftovers
from ganbench.results.state import ROWS, SEALED, AbsentRow, ScoreRow, State, TermsRow
from ganbench.results.store import RunFolder

FOLDERS = ("samples", "checkpoints")


@dataclass(frozen=True)
class Journal:
    """Writes rows and states, and remembers the digest of every sealed file.

    `write_state` compares the files with it, so that rows which are deleted or changed meanwhile are never sealed.
    """

    folder: RunFolder
    _sizes: dict[str, int] = field(default_factory=dict)
    _digests: dict[str, Any] = field(default_factory=dict)  # hashlib's objects

    @classmethod
    def of(cls, folder: RunFolder) -> Journal:
        """Goes on from what the files hold now."""
        journal = cls(folder)
        for name in SEALED:
            if (folder.path / name).exists():
                journal._add(name, folder.read_bytes(name) or b"")
        return journal

    def append_terms(self, rows: Iterable[TermsRow]) -> None:
        """Append rows to `terms.jsonl`."""
        self._append("terms.jsonl", rows)

    def append_scores(self, rows: Iterable[ScoreRow]) -> None:
        """Append rows to `scores.jsonl`."""
        self._append("scores.jsonl", rows)

    def append_absent(self, rows: Iterable[AbsentRow]) -> None:
        """Append rows to `absent.jsonl`."""
        self._append("absent.jsonl", rows)

    def write_state(self, state: State) -> None:
        """Seal the files and replace the state. Raises `DamagedRun` where a file is not what was written."""
        written = {name: (size, self._digests[name].hexdigest()) for name, size in self._sizes.items()}
        self.folder.write_state(state, written=written)

    def _append(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        content = self.folder.append(name, rows)
        if content:
            self._add(name, content)

    def _add(self, name: str, content: bytes) -> None:
        self._sizes[name] = self._sizes.get(name, 0) + len(content)
        self._digests.setdefault(name, hashlib.sha256()).update(content)


def tidy(folder: RunFolder) -> None:
    """Remove the temporary files of killed writers from a run folder whose lock is held.

    Raises `DamagedRun` for a folder that is a link: the run would write elsewhere.
    """
    for place in (folder.path, *(folder.path / name for name in FOLDERS)):
        if place.is_symlink():
            raise DamagedRun(str(place), "it is a link, which a run folder must not be", todo="the run is done again")
        remove_leftovers(place)


def trusted_state(folder: RunFolder, note: Callable[[str], None]) -> State | None:
    """The state of a run whose lock is held; a damaged run is noted and removed, and so is one without a state."""
    state = None
    try:
        tidy(folder)
        state = folder.check()
    except DamagedRun as error:
        note(str(error))
    if state is None:
        folder.clear()
        return None
    for name in FOLDERS:
        if (folder.path / name).exists() and not (folder.path / name).is_dir():
            note(f"{folder.path / name}: damaged: it is not a folder; it is removed")
            remove(folder.path / name)
    if state.finished and surplus(folder, state):
        note(f"{folder.path}: rows after those that state.json sealed; they are removed")
        drop_surplus(folder, state)
    return state


def surplus(folder: RunFolder, state: State) -> list[str]:
    """The files of rows of a finished run that hold more than its state sealed."""
    return [name for name in ROWS if len(folder.read_bytes(name) or b"") > state.sealed_size(name)]


def drop_surplus(folder: RunFolder, state: State) -> None:
    """Cut the files of rows of a finished run back to what its state sealed."""
    for name in surplus(folder, state):
        os.truncate(folder.path / name, state.sealed_size(name))
