"""The record of the search that chose a suite's settings: the settings and the expected best of k trials."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganbench.errors import RequestError
from ganbench.results.files import read_bytes, signed_json
from ganbench.results.names import path_in
from ganbench.spec import varying

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ganbench.results.manifest import Columns
    from ganbench.results.store import Store

AGAIN = "run the same `ganbench tune` command again: it repeats no finished run"
ENDS = ("finished", "given up", "failed")


@dataclass(frozen=True)
class BestOfK:
    """The expected best of `k` trials, with its 95 % interval."""

    k: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class SearchedContender:
    """The search for one cell; `settings` is empty if no trial finished."""

    name: str
    settings: dict[str, float]
    ended: dict[str, int]  # how many trials ended in each way of `ENDS`
    curve: tuple[BestOfK, ...]


@dataclass(frozen=True)
class Tuning:
    """A search: the same number of trials for every contender, by one metric."""

    metric: str
    better: str
    trials: int
    sampler: str
    rule: str  # how a trial counts that did not finish
    contenders: tuple[SearchedContender, ...]


def read_tuning(store: Store, suite: str) -> Tuning | None:
    """The search that chose a suite's settings (`ganbench tune`), or None for a suite that was not tuned.

    Raises `RequestError` for a damaged record, and for an old one that does not say how each trial ended.
    """
    path = path_in(store.root / "tune", suite, ".json")
    try:
        content = read_bytes(path)
        if content is None:
            return None
        body = signed_json(content)
        if "rule" in body:
            return _tuning(body)
    except OSError as error:
        raise RequestError(str(path), f"can't be read: {error.strerror}", todo=AGAIN) from None
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RequestError(str(path), f"damaged: {error}", todo=AGAIN) from None
    raise RequestError(str(path), "it does not record how each trial ended", "a record written by this version", AGAIN)


def _tuning(body: Mapping[str, Any]) -> Tuning:
    columns = _differing([contender["columns"] for contender in body["contenders"]])
    return Tuning(
        body["metric"],
        body["better"],
        body["trials"],
        body["sampler"],
        body["rule"],
        tuple(_contender(contender, columns) for contender in body["contenders"]),
    )


def _contender(body: Mapping[str, Any], columns: Sequence[str]) -> SearchedContender:
    name = ", ".join(str(body["columns"][column]) for column in columns)
    ended = dict(Counter(trial["ended"] for trial in body["trials"]))
    return SearchedContender(name, body["chosen"] or {}, ended, tuple(BestOfK(**point) for point in body["best_of"]))


def _differing(contenders: Sequence[Columns]) -> tuple[str, ...]:
    """The columns in which contenders differ."""
    return varying(contenders, contenders[0]) or ("variant",) if contenders else ("variant",)
