"""The journal of a search: optuna's file of the settings that were drawn, with a seal beside it.

The settings of a trial follow from its number and those before it, and its result from its run. A journal that is
damaged is therefore removed and written again, and the trials keep their runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from ganbench.results.files import make_way, read_bytes, remove, signed_json, write_signed_json

REBUILT = "the settings are drawn again, and finished runs are kept"


@dataclass(frozen=True)
class SearchJournal:
    """The file of the studies of a suite, metric and sampler. `say` is called with a sentence about damage."""

    file: Path
    say: Callable[[str], None]

    def studies(self, names: Sequence[str], direction: Literal["minimize", "maximize"]) -> list[optuna.Study]:
        """The study of each name, with the trials in the journal. Raises `OSError`."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        damage = self._damage()
        if not damage:
            try:
                return self._load(names, direction)
            except OSError:
                raise
            except Exception as error:  # optuna raises many types for lines that are no operations of its own
                damage = f"{type(error).__name__}: {error}"
        self.say(f"{self.file}: damaged: {damage}; {REBUILT}")
        remove(self.file)
        remove(self._seal_file)
        return self._load(names, direction)

    def seal(self) -> None:
        """Write down the length and the SHA-256 of the journal. Lines may follow: a stop comes before the next seal."""
        content = read_bytes(self.file) or b""
        write_signed_json(self._seal_file, {"bytes": len(content), "content": hashlib.sha256(content).hexdigest()})

    @property
    def _seal_file(self) -> Path:
        return self.file.with_name(f"{self.file.name}-seal.json")

    def _load(self, names: Sequence[str], direction: Literal["minimize", "maximize"]) -> list[optuna.Study]:
        make_way(self.file)
        storage = JournalStorage(JournalFileBackend(str(self.file)))
        return [
            optuna.create_study(storage=storage, study_name=name, direction=direction, load_if_exists=True)
            for name in names
        ]

    def _damage(self) -> str:
        """What is wrong with the journal by its seal; empty for a sound one, and for one of 0.1, which has none."""
        try:
            content, sealed = read_bytes(self.file), read_bytes(self._seal_file)
            if content is None or sealed is None:
                return ""
            seal = signed_json(sealed)
            if hashlib.sha256(content[: seal["bytes"]]).hexdigest() != seal["content"]:
                return "its content does not match its seal"
        except OSError as error:
            return str(error.strerror)
        except (ValueError, KeyError, TypeError) as error:
            return f"its seal, {error}"
        return ""
