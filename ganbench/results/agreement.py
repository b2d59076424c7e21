"""Whether two records of one run agree: a run that two machines have trained may differ in its last digits.

What machines measure for themselves is not compared: times, environments, logs, pictures, and why a metric is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganbench.results.content import RunContent
from ganbench.results.state import State
from ganbench.results.store import RunFolder

Scores = Mapping[tuple[int, str, str], Mapping[str, Any]]  # by step, evaluator's key and metric
COMPARED = ("value", "stderr", "n", "n_reference", "fingerprint")  # of a score, in this order


@dataclass(frozen=True)
class RunRecord:
    """A run in one of several results folders. `owner`: the folder as the user typed it."""

    owner: str
    folder: RunFolder
    content: RunContent
    seed: int

    @property
    def state(self) -> State:
        return self.content.state

    def scores(self) -> Scores:
        """The newest score of each step, evaluator and metric."""
        return {(row["step"], row["evaluator"], row["metric"]): row for row in self.content.scores()}


@dataclass(frozen=True)
class Conflict:
    """Records of one run that contradict each other, and where they do so first."""

    run_id: str
    records: tuple[RunRecord, RunRecord]
    difference: str

    def __str__(self) -> str:
        first, second = (record.owner for record in self.records)
        return f"{self.run_id}: {first} and {second} differ: {self.difference}"


def read_record(owner: str, folder: RunFolder) -> RunRecord | None:
    """A run as a results folder holds it, or None if it was never begun there. Raises `DamagedRun`."""
    content = folder.read()
    if content is None:
        return None
    seed = folder.spec().get("spec", {}).get("seed", 0)
    return RunRecord(owner, folder, content, seed if isinstance(seed, int) else 0)


def best_of(records: list[RunRecord], preferred: str | None = None) -> RunRecord | Conflict:
    """The record to keep of a run, the first one of several that say the same.

    Of a finished and an unfinished record it is the finished one; of two unfinished ones that at the later step; of two
    finished ones that agree the one with more scores. Finished records that contradict each other are a `Conflict`,
    unless one of them is in the folder that is `preferred`.
    """
    finished = [record for record in records if record.state.finished]
    if not finished:
        return max(records, key=lambda record: record.state.step)
    best = finished[0]
    for other in finished[1:]:
        if text := difference(best, other):
            chosen = next((record for record in finished if record.owner == preferred), None)
            return _first_like(chosen, finished) if chosen else Conflict(best.folder.run_id, (best, other), text)
        if len(other.scores()) > len(best.scores()):
            best = other
    return best


def _first_like(chosen: RunRecord, records: list[RunRecord]) -> RunRecord:
    """The first record that says the same, so that one that is in the merged folder already is not copied again."""
    scores = len(chosen.scores())
    return next(r for r in records if r is chosen or (not difference(chosen, r) and len(r.scores()) == scores))


def difference(first: RunRecord, second: RunRecord) -> str:
    """The first value in which two finished records contradict each other, with its file; empty if they agree.

    A score that only one of them has contradicts nothing, unless the other has one that this one lacks.
    """
    return _of_states(first, second) or _of_scores(first, second) or _of_terms(first, second)


def _of_states(first: RunRecord, second: RunRecord) -> str:
    for name in ("status", "step", "diverged"):
        values = [getattr(record.state, name) for record in (first, second)]
        if values[0] != values[1]:
            return f"state.json: {name} is {values[0]} and {values[1]}"
    return ""


def _of_scores(first: RunRecord, second: RunRecord) -> str:
    ours, theirs = first.scores(), second.scores()
    for key in sorted(ours.keys() & theirs.keys()):
        for name in COMPARED:
            values = [scores[key].get(name) for scores in (ours, theirs)]
            if values[0] != values[1]:
                step, _, metric = key
                return f"scores.jsonl: the {name} of {metric} at step {step} is {_shown(*values)}"
    mine, other = sorted(ours.keys() - theirs.keys()), sorted(theirs.keys() - ours.keys())
    if mine and other:
        return f"scores.jsonl: only the first has {_score(mine[0])}, and only the second {_score(other[0])}"
    return ""


def _of_terms(first: RunRecord, second: RunRecord) -> str:
    """Curves of other points are means over other steps, and are not compared."""
    ours, theirs = ({row["step"]: row["terms"] for row in record.content.terms()} for record in (first, second))
    if ours.keys() != theirs.keys():
        return ""
    for step, terms in ours.items():
        for name in sorted(terms.keys() & theirs[step].keys()):
            if terms[name] != theirs[step][name]:
                return f"terms.jsonl: {name} at step {step} is {_shown(terms[name], theirs[step][name])}"
    return ""


def _score(key: tuple[int, str, str]) -> str:
    return f"{key[2]} at step {key[0]}"


def _shown(first: Any, second: Any) -> str:
    """Two values; of two fingerprints only the first entry that differs."""
    if isinstance(first, dict) and isinstance(second, dict):
        name = next(key for key in sorted(first.keys() | second.keys()) if first.get(key) != second.get(key))
        return f"{name} {first.get(name)} and {second.get(name)}"
    return f"{first} and {second}"
