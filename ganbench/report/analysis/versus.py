"""`ganbench report A B`: the second results against the first, cell by cell, for a reader or as a gate in CI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pandas as pd

from ganbench.errors import RequestError
from ganbench.report.analysis.comparisons import LEVEL, Comparison, compared, corrected
from ganbench.report.analysis.fingerprints import require_one_fingerprint
from ganbench.report.analysis.pairs import paired, shared
from ganbench.report.analysis.rows import RunRow, by, rows
from ganbench.report.analysis.trajectories import check_rule, per_run
from ganbench.results.questions import RATES, Compare
from ganbench.results.table import Results
from ganbench.stats import detectable_rate

AXIS = "results"  # the column that tells the two sides


@dataclass(frozen=True)
class Difference:
    """The second minus the first in one metric, over all settings of a dataset or in one of them.

    `family`: how many differences of its kind have a pair, over which its p is corrected.
    `left_out`: pairs without both numbers, by reason. `lost`: of the `had` runs of the first that have the number,
    those whose like in the second has none: it failed, is missing or unfinished, diverged or wasn't measured.
    """

    comparison: Comparison
    family: int
    left_out: Mapping[str, int]
    lost: int
    had: int


@dataclass(frozen=True)
class Versus:
    """Two results side by side: the second minus the first in every metric and dataset, over all settings at once,
    where there are the most pairs, and in each setting. The two kinds are corrected apart.

    `apart`: what only one of them has, so that it isn't compared.
    """

    first: str
    second: str
    rule: str
    differences: tuple[Difference, ...]
    apart: tuple[str, ...] = ()

    @property
    def worse(self) -> int:
        """How many differences are significant and for the worse."""
        return sum(one.comparison.better is False for one in self.differences)

    @property
    def better(self) -> int:
        """How many differences are significant and for the better."""
        return sum(one.comparison.better is True for one in self.differences)

    @property
    def lost(self) -> int:
        """How many differences lack a run of the first because of the second."""
        return sum(one.lost > 0 for one in self.differences)

    @property
    def pairs_needed(self) -> int | None:
        """Where no difference could be significant, however large: as many pairs of each as would do. Else None."""
        tested = [(one.comparison.effect.n, one.family) for one in self.differences if one.comparison.effect]
        if any(enough(n, family) for n, family in tested):
            return None
        least = min((family for _, family in tested), default=len(self.differences))
        return next(n for n in count(1) if enough(n, least))


def enough(n: int, comparisons: int) -> bool:
    """Whether `n` pairs can show any difference among so many comparisons: the least p, of a number and of a rate, is
    that of all pairs on one side.
    """
    return detectable_rate(n, LEVEL / max(1, comparisons)) is not None


def versus(sides: tuple[Results, Results], names: tuple[str, str], rule: str | None) -> Versus:
    """Compare two results, paired by seed and setting; `rule` None is the first one's own. `names`: for the reader.

    Raises `RequestError` for two ways of measuring in one metric, and where nothing is in common.
    """
    first = sides[0]
    both = merged(*sides)
    require_one_fingerprint(both)
    metrics = both.manifest.ranked_metrics()
    chosen = check_rule(rule or first.manifest.select, list(metrics))
    rules = first.manifest.questions.outcome
    absent = {name: {one.metric for one in own} - set(both.manifest.metrics) for name, own in rules.items()}
    found = rows(both, per_run(both, chosen), {name: own for name, own in rules.items() if not absent[name]})
    judged = metrics | {name: better for name, better in RATES.items() if any(name in row.numbers for row in found)}
    differences = tuple(one for pooled in (True, False) for one in _kind(found, judged, pooled))
    if not any(one.comparison.effect or one.lost for one in differences):
        raise RequestError(
            " and ".join(names), "no run of one has its like in the other", "the same settings, seeds and metrics"
        )
    unjudged = [f"stable, collapsed on {at} (judged by {', '.join(sorted(by_))})" for at, by_ in absent.items() if by_]
    return Versus(*names, chosen, differences, (*_apart(sides, names), *unjudged))


def _kind(found: Sequence[RunRow], judged: Mapping[str, str], pooled: bool) -> Iterator[Difference]:
    """The differences over all settings, or in each of a dataset that has several."""
    raw = [
        one
        for metric, better in judged.items()
        for one in compared(found, Compare(axis=AXIS, metric=metric, baseline="first", pooled=pooled), better)
    ]
    return _differences(found, corrected([one for one in raw if pooled or one.setting]))


def _differences(found: Sequence[RunRow], comparisons: Sequence[Comparison]) -> Iterator[Difference]:
    """Each comparison with the runs of its cell that it lacks."""
    family = sum(one.effect is not None for one in comparisons)
    cells = {names: by(found, ("dataset", *names)) for names in {tuple(one.setting) for one in comparisons}}
    for one in comparisons:
        cell = by(cells[tuple(one.setting)][one.dataset, *one.setting.values()], (AXIS,))
        first, second = cell.get(("first",), []), cell.get(("second",), [])
        left_out = paired(second, first, AXIS, one.metric).left_out
        had = sum(one.metric in row.numbers for row in first)
        yield Difference(one, family, left_out, _lost(first, second, one.metric), had)


def _lost(first: Sequence[RunRow], second: Sequence[RunRow], metric: str) -> int:
    """The runs of the first with the number whose partners in the second, asked for, have none."""
    keys = (*shared(first, second, AXIS)[0], "seed")
    partners = by(second, keys)
    return sum(
        sum(metric in row.numbers for row in own)
        for key, own in by(first, keys).items()
        if key in partners and not any(metric in row.numbers for row in partners[key])
    )


def _apart(sides: tuple[Results, Results], names: tuple[str, str]) -> Iterator[str]:
    """The metrics and datasets that only one has: `metric hq (only in before)`."""
    for noun, (ours, theirs) in (
        ("metric", [set(one.manifest.metrics) for one in sides]),
        ("dataset", [set(one.runs["dataset"]) for one in sides]),
    ):
        for side, only in zip(names, (ours - theirs, theirs - ours), strict=True):
            yield from (f"{noun} {name} (only in {side})" for name in sorted(only))


def merged(first: Results, second: Results) -> Results:
    """Both as one, told apart by the column `results`; a run's id begins with its side."""
    sides = {"first": first, "second": second}
    prints = tuple(
        dict(items) for items in dict.fromkeys(_items(one) for side in sides.values() for one in side.fingerprints)
    )
    place = {_items(one): at for at, one in enumerate(prints)}
    runs, scores, marks = [], [], dict[str, tuple[int, ...]]()
    for name, side in sides.items():
        runs.append(side.runs.assign(run_id=[f"{name}:{run}" for run in side.runs["run_id"]], **{AXIS: name}))
        known = [place[_items(side.fingerprints[at])] for at in side.scores["fingerprint"]]
        ids = [f"{name}:{run}" for run in side.scores["run_id"]]
        scores.append(side.scores.assign(run_id=ids, fingerprint=known))
        marks |= {f"{name}:{run}": steps for run, steps in side.marks.items()}
    metrics = {k: v for k, v in first.manifest.metrics.items() if k in second.manifest.metrics}
    return replace(
        first,
        manifest=replace(first.manifest, metrics=metrics),
        marks=marks,
        runs=pd.concat(runs, ignore_index=True),
        scores=pd.concat([one[one["metric"].isin(metrics)] for one in scores], ignore_index=True),
        fingerprints=tuple(map(dict, prints)),
    )


def blind(found: Versus) -> str:
    """What to say where no difference could be significant; else nothing."""
    if found.pairs_needed is None:
        return ""
    return f"No difference could be significant, however large: it takes {found.pairs_needed} pairs, so more seeds."


def _items(fingerprint: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(fingerprint.items()))
