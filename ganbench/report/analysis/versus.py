"""`ganbench report A B`: the second results against the first, cell by cell, for a reader or as a gate in CI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

import pandas as pd

from ganbench.errors import RequestError
from ganbench.report.analysis.comparisons import Comparison, compared, corrected
from ganbench.report.analysis.fingerprints import require_one_fingerprint
from ganbench.report.analysis.pairs import paired
from ganbench.report.analysis.rows import RunRow, rows
from ganbench.report.analysis.trajectories import check_rule, per_run
from ganbench.results.questions import RATES, Compare
from ganbench.results.selection import by, shared
from ganbench.results.table import Results
from ganbench.stats import LEVEL, detectable_rate

AXIS = "results"  # the column that distinguishes the two sides


@dataclass(frozen=True)
class Difference:
    """The second minus the first in a metric, over all settings of a dataset or in one of them.

    `family`: how many differences of the same kind have a pair; p is corrected over them.
    `left_out`: pairs without both numbers, by reason. `had`: how many runs of the first have the number. `lost`: how
    many of them have a counterpart in the second without it, because that run failed, is missing or unfinished,
    diverged or was not measured.
    """

    comparison: Comparison
    family: int
    left_out: Mapping[str, int]
    lost: int
    had: int


@dataclass(frozen=True)
class Versus:
    """Two results side by side: the second minus the first in every metric and dataset.

    There are differences over all settings together, which have the most pairs, and in each setting. The two kinds are
    corrected separately. `apart`: what only one of the results has and is not compared.
    """

    first: str
    second: str
    rule: str
    differences: tuple[Difference, ...]
    apart: tuple[str, ...] = ()

    @property
    def worse(self) -> int:
        """How many differences are significant and for the worse."""
        return sum(difference.comparison.better is False for difference in self.differences)

    @property
    def better(self) -> int:
        """How many differences are significant and for the better."""
        return sum(difference.comparison.better is True for difference in self.differences)

    @property
    def lost(self) -> int:
        """In how many differences the second lacks the number of a run that the first has."""
        return sum(difference.lost > 0 for difference in self.differences)

    @property
    def pairs_needed(self) -> int | None:
        """How many pairs each difference needs, if no difference could have been significant; otherwise None."""
        effects = [(difference.comparison.effect, difference.family) for difference in self.differences]
        tested = [(effect.n, family) for effect, family in effects if effect]
        if any(enough(n, family) for n, family in tested):
            return None
        least = min((family for _, family in tested), default=len(self.differences))
        return next(n for n in count(1) if enough(n, least))


def enough(n: int, comparisons: int) -> bool:
    """Whether a difference of `n` pairs can be significant among so many comparisons.

    The smallest p, of a number and of a rate, is that of all pairs on one side.
    """
    return detectable_rate(n, LEVEL / max(1, comparisons)) is not None


def versus(sides: tuple[Results, Results], names: tuple[str, str], rule: str | None) -> Versus:
    """Compare two results, paired by seed and setting; `rule` None is the first suite's `select`. `names`: as shown.

    Raises `RequestError` if a metric was measured in two ways, and if the results have no run in common.
    """
    first = sides[0]
    both = merged(*sides)
    require_one_fingerprint(both)
    metrics = both.manifest.ranked_metrics()
    chosen = check_rule(rule or first.manifest.select, list(metrics))
    rules = first.manifest.questions.outcome
    absent = {dataset: outcome_rule.metrics - set(both.manifest.metrics) for dataset, outcome_rule in rules.items()}
    outcome = {dataset: outcome_rule for dataset, outcome_rule in rules.items() if not absent[dataset]}
    runs = rows(both, per_run(both, chosen), outcome)
    judged = metrics | {name: better for name, better in RATES.items() if any(name in row.numbers for row in runs)}
    differences = tuple(difference for pooled in (True, False) for difference in _kind(runs, judged, pooled))
    if not any(difference.comparison.effect or difference.lost for difference in differences):
        raise RequestError(
            " and ".join(names),
            "no run of one has a counterpart in the other",
            "two results that share settings, seeds and metrics",
            "compare results of the same suite",
        )
    unjudged = [
        f"stable, collapsed, never_good on {dataset} (judged by {', '.join(sorted(missing))})"
        for dataset, missing in absent.items()
        if missing
    ]
    return Versus(*names, chosen, differences, (*_apart(sides, names), *unjudged))


def _kind(runs: Sequence[RunRow], judged: Mapping[str, str], pooled: bool) -> Iterator[Difference]:
    """The differences over all settings, or in each setting of a dataset that has several."""
    comparisons = [
        comparison
        for metric, better in judged.items()
        for comparison in compared(runs, Compare(axis=AXIS, metric=metric, baseline="first", pooled=pooled), better)
    ]
    return _differences(runs, corrected([comparison for comparison in comparisons if pooled or comparison.setting]))


def _differences(runs: Sequence[RunRow], comparisons: Sequence[Comparison]) -> Iterator[Difference]:
    """Each comparison with the number of runs that it lacks."""
    family = sum(comparison.effect is not None for comparison in comparisons)
    settings = {tuple(comparison.setting) for comparison in comparisons}
    cells = {names: by(runs, ("dataset", *names)) for names in settings}
    for comparison in comparisons:
        cell = cells[tuple(comparison.setting)][comparison.dataset, *comparison.setting.values()]
        sides, metric = by(cell, (AXIS,)), comparison.metric
        first, second = sides.get(("first",), []), sides.get(("second",), [])
        left_out = paired(second, first, (AXIS,), metric).left_out
        had = sum(metric in row.numbers for row in first)
        yield Difference(comparison, family, left_out, _lost(first, second, metric), had)


def _lost(first: Sequence[RunRow], second: Sequence[RunRow], metric: str) -> int:
    """How many runs of the first have the number, while their counterparts exist in the second without it."""
    keys = (*shared(first, second, (AXIS,))[0], "seed")
    partners = by(second, keys)
    return sum(
        sum(metric in row.numbers for row in group)
        for key, group in by(first, keys).items()
        if key in partners and not any(metric in row.numbers for row in partners[key])
    )


def _apart(sides: tuple[Results, Results], names: tuple[str, str]) -> Iterator[str]:
    """The metrics and datasets that only one side has: `metric hq (only in before)`."""
    for noun, (ours, theirs) in (
        ("metric", [set(side.manifest.metrics) for side in sides]),
        ("dataset", [set(side.runs["dataset"]) for side in sides]),
    ):
        for side_name, only in zip(names, (ours - theirs, theirs - ours), strict=True):
            yield from (f"{noun} {name} (only in {side_name})" for name in sorted(only))


def merged(first: Results, second: Results) -> Results:
    """Both results as one, with the column `results` for the side; the id of a run begins with its side."""
    sides = {"first": first, "second": second}
    prints = list(dict.fromkeys(_items(each) for side in sides.values() for each in side.fingerprints))
    place = {items: at for at, items in enumerate(prints)}
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
        scores=pd.concat([table[table["metric"].isin(metrics)] for table in scores], ignore_index=True),
        fingerprints=tuple(map(dict, prints)),
    )


def too_few_pairs(versus: Versus) -> str:
    """A sentence for a comparison in which no difference could have been significant; otherwise empty."""
    if versus.pairs_needed is None:
        return ""
    return f"No difference could have been significant: it takes at least {versus.pairs_needed} pairs. Run more seeds."


def _items(fingerprint: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(fingerprint.items()))
