"""What a search left beside a suite's runs: chosen settings, and what the best of k trials is worth."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganbench.errors import RequestError

if TYPE_CHECKING:
    from ganbench.results.store import Store

ENDS = ("finished", "given up", "failed")


@dataclass(frozen=True)
class Point:
    """The expected best of `k` trials, with its 95 % interval."""

    k: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class SearchedContender:
    """What was searched for one cell; `settings` is empty where no trial finished."""

    name: str
    settings: dict[str, float]
    ended: dict[str, int]  # trials by how they ended, of `ENDS`
    curve: tuple[Point, ...]


@dataclass(frozen=True)
class Tuning:
    """A search: the same number of trials for every contender, by one metric."""

    metric: str
    better: str
    trials: int
    sampler: str
    rule: str  # what a trial counts for that did not finish
    contenders: tuple[SearchedContender, ...]


def read(store: Store, suite: str) -> Tuning | None:
    """The search that chose a suite's settings (`ganbench tune`), or None for a suite that was not tuned.

    Raises `RequestError` for a record of before it was kept how a trial ended.
    """
    path = store.root / "tune" / f"{suite}.json"
    if not path.exists():
        return None
    body = json.loads(path.read_bytes())
    if "rule" not in body:
        raise RequestError(str(path), "doesn't say how each trial ended", "a record that this version wrote",
                           "type the line of `ganbench tune` again: it repeats no run that is there")  # fmt: skip
    telling = _telling([one["columns"] for one in body["contenders"]])
    return Tuning(
        body["metric"],
        body["better"],
        body["trials"],
        body["sampler"],
        body["rule"],
        tuple(_contender(one, telling) for one in body["contenders"]),
    )


def _contender(body: dict[str, Any], telling: list[str]) -> SearchedContender:
    name = ", ".join(str(body["columns"][column]) for column in telling)
    ended = dict(Counter(trial["ended"] for trial in body["trials"]))
    return SearchedContender(name, body["chosen"] or {}, ended, tuple(Point(**point) for point in body["best_of"]))


def _telling(columns: list[dict[str, Any]]) -> list[str]:
    """The columns that tell contenders apart."""
    first = columns[0] if columns else {}
    return [name for name in first if len({str(one[name]) for one in columns}) > 1] or ["variant"]
