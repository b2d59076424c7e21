"""The state and the rows of a run, and checks that their files are sound. This module opens no file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict, get_args

Status = Literal["running", "done", "diverged", "failed"]
Row = dict[str, Any]
Seal = tuple[int, str]  # the length of a content in bytes, and its SHA-256
NUMBER = (int, float)
NEWLINE = "\n"
ROWS: dict[str, dict[str, Any]] = {  # the files of rows, and the keys and types that each of their rows must have
    "terms.jsonl": {"step": int, "time": NUMBER, "terms": dict},
    "scores.jsonl": {
        "step": int,
        "time": NUMBER,
        "metric": str,
        "value": NUMBER,
        "n": int,
        "evaluator": str,
        "fingerprint": dict,
    },
    "absent.jsonl": {"step": int, "time": NUMBER, "evaluator": str, "metric": str, "because": str},
}
SEALED = (*ROWS, "env.json")

RENAMED = {"thinned": "skipped_marks"}  # fields of 0.1's state files

_STATUSES = get_args(Status)


class TermsRow(TypedDict):
    """A row of `terms.jsonl`: the means of the loss terms up to a step. `time`: Unix seconds."""

    step: int
    time: float
    terms: Mapping[str, float | None]


class ScoreRow(TypedDict):
    """A row of `scores.jsonl`: a metric at a step. `time`: Unix seconds. `evaluator`: the key of the scores."""

    step: int
    time: float
    metric: str
    value: float
    stderr: float | None
    n: int
    n_reference: int | None
    evaluator: str
    fingerprint: dict[str, str]


class AbsentRow(TypedDict):
    """A row of `absent.jsonl`: why a metric has no score at a step. An empty `metric` stands for all of them."""

    step: int
    time: float
    evaluator: str
    metric: str
    because: str


class DivergedAt(TypedDict):
    """The first term that was not finite, and its step."""

    step: int
    term: str


@dataclass(frozen=True)
class State:
    """How far a run is. `sealed` holds the seals of the files of `SEALED`. Seconds are wall time."""

    status: Status
    step: int = 0
    seconds: float = 0.0  # of training, evaluation included; of the whole pack
    evaluation_seconds: float = 0.0
    diverged: DivergedAt | None = None
    error: str | None = None  # the exception or signal with which the run failed
    scored: dict[str, list[int]] = field(default_factory=dict)  # marks at which each evaluator was called
    without_score: dict[str, list[int]] = field(default_factory=dict)  # those of them at which it gave no score
    skipped_marks: list[int] = field(
        default_factory=list
    )  # marks that were left out to keep evaluation within its budget
    sealed: dict[str, Seal] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        return self.status in ("done", "diverged")

    def sealed_size(self, name: str) -> int:
        """The number of sealed bytes of a file."""
        return self.sealed[name][0] if name in self.sealed else 0


def state_of(body: Mapping[str, Any]) -> State:
    """The state in a file. Raises `ValueError` or another built-in exception if the file holds no state."""
    seals = {name: (size, str(digest)) for name, (size, digest) in body.get("sealed", {}).items()}
    state = State(**{RENAMED.get(name, name): value for name, value in body.items()} | {"sealed": seals})
    sound = {
        "status": state.status in _STATUSES,
        "step": _is_count(state.step),
        "seconds": _is_time(state.seconds) and _is_time(state.evaluation_seconds),
        "diverged": state.diverged is None or (_is_count(state.diverged["step"]) and bool(state.diverged["term"])),
        "error": state.error is None or isinstance(state.error, str),
        "scored": all(map(_are_marks, state.scored.values())),
        "without_score": all(map(_are_marks, state.without_score.values())),
        "skipped_marks": _are_marks(state.skipped_marks),
        "sealed": all(name in SEALED and _is_count(size) for name, (size, _) in seals.items()),
    }
    wrong = [f"{name} = {getattr(state, name)!r}" for name, is_sound in sound.items() if not is_sound]
    if wrong:
        raise ValueError(wrong[0])
    return state


def sessions_of(body: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The environments in the content of `env.json`, one a session of the run, the latest last; of 0.1 only that.

    Raises `ValueError` for what holds none.
    """
    sessions = (body or {}).get("sessions", [dict(body)] if body else [])
    if not isinstance(sessions, list) or not all(isinstance(session, dict) for session in sessions):
        raise ValueError("it holds no list of sessions")
    return sessions


def pack_of(environment: Mapping[str, Any], seed: int) -> tuple[int, ...]:
    """The seeds of the pack in which the run of a seed was begun, from an environment of `env.json`.

    0.1 wrote only their number. Unless that is 1, they are unknown: `()`.
    """
    pack = environment.get("pack", 1)
    if isinstance(pack, list) and all(map(_is_count, pack)):
        return tuple(pack)
    return (seed,) if pack == 1 else ()


def pack_size(environment: Mapping[str, Any]) -> int:
    """The number of runs that were trained as one program, from an environment of `env.json`."""
    pack = environment.get("pack", 1)
    return len(pack) if isinstance(pack, list) else int(pack)


def with_rows(state: State, scores: Iterable[ScoreRow]) -> State:
    """The state whose `scored` holds only marks with a row in `scores.jsonl`, and those at which there was no score."""
    kept = {(row["evaluator"], row["step"]) for row in scores}
    kept |= {(key, mark) for key, marks in state.without_score.items() for mark in marks}
    scored = {key: [mark for mark in marks if (key, mark) in kept] for key, marks in state.scored.items()}
    return replace(state, scored=scored)


def rows_of(content: bytes, name: str) -> list[Row]:
    """The complete rows of a file. A last line without a newline was still being written and is left out.

    Raises `ValueError` or `RecursionError` if a line is not a row of this file.
    """
    complete = content.rpartition(b"\n")[0]
    rows = _decoded(complete.decode()) if complete else []
    keys, kinds = ROWS[name].keys(), ROWS[name].values()
    if not all(isinstance(row, dict) and all(map(isinstance, map(row.get, keys), kinds)) for row in rows):
        raise ValueError(f"a row lacks one of {', '.join(ROWS[name])}")
    return rows


def _decoded(text: str) -> list[Any]:
    """The value in each line, read at once, because there are many; one by one where that gives another number."""
    with suppress(ValueError):
        values: list[Any] = json.loads(f"[{text.replace(NEWLINE, ',')}]")
        if len(values) == text.count(NEWLINE) + 1:
            return values
    return [json.loads(line) for line in text.split(NEWLINE)]


def _are_marks(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_count, value))


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_time(value: object) -> bool:
    return isinstance(value, NUMBER) and 0 <= value < 1e12
