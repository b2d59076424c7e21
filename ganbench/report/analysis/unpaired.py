"""Two sides of a comparison that have no partners: all runs of one against all of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from ganbench.report.analysis.attrition import attrition
from ganbench.report.analysis.pairs import Effect, shared, sign
from ganbench.results.questions import RATES
from ganbench.stats import fisher, mean_gap, rank_sum, rate_gap

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow


def unpaired(first: Sequence[RunRow], second: Sequence[RunRow], axis: str, metric: str) -> Effect | None:
    """The difference of two values of an axis over all of their runs; None where a side has no number."""
    known = [[row for row in side if metric in row.numbers] for side in (first, second)]
    one, other = ([row.numbers[metric] for row in side] for side in known)
    if not one or not other:
        return None
    ranks = rank_sum(one, other)
    interval, p = mean_gap(one, other), ranks.p
    if metric in RATES:
        counts = [(round(sum(side)), len(side)) for side in (one, other)]
        interval, p = rate_gap(counts[0], counts[1]), min(1.0, 2 * min(fisher(counts[0], counts[1])))
    by_ranks, by_mean = sign(ranks.above - 0.5), sign(interval.mean)
    return Effect(
        first=fmean(one),
        second=fmean(other),
        difference=interval,
        size=2 * ranks.above - 1,
        direction=by_mean if by_ranks == by_mean else 0,
        p=p,
        n=len(one) + len(other),
        seeds=min(len({row.columns["seed"] for row in side}) for side in known),
        left_out=without([*first, *second], metric),
        varies=tuple(shared(first, second, axis)[1]),
        lost=attrition(first, second, metric),
        sizes=(len(one), len(other)),
    )


def without(found: Sequence[RunRow], metric: str) -> dict[str, int]:
    """How many runs lack the number, by the reason."""
    return dict(Counter(_reason(row) for row in found if metric not in row.numbers))


def _reason(row: RunRow) -> str:
    return "not measured" if row.status == "done" else row.status
