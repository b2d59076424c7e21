"""Two sides of a comparison without partners: all runs of one side against all runs of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from ganbench.report.analysis.pairs import Effect, attrition, sign
from ganbench.results.questions import RATES
from ganbench.results.selection import shared
from ganbench.stats import fisher, mean_gap, rank_sum, rate_gap

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow


def unpaired(first: Sequence[RunRow], second: Sequence[RunRow], axes: Collection[str], metric: str) -> Effect | None:
    """The difference of two sides, which differ in `axes`, over all of their runs; None if a side has no number."""
    known = [[row for row in side if metric in row.numbers] for side in (first, second)]
    ours, theirs = ([row.numbers[metric] for row in side] for side in known)
    if not ours or not theirs:
        return None
    ranks = rank_sum(ours, theirs)
    interval, p = mean_gap(ours, theirs), ranks.p
    if metric in RATES:
        counts = [(round(sum(side)), len(side)) for side in (ours, theirs)]
        interval, p = rate_gap(counts[0], counts[1]), min(1.0, 2 * min(fisher(counts[0], counts[1])))
    by_ranks, by_mean = sign(ranks.above - 0.5), sign(interval.mean)
    return Effect(
        first=fmean(ours),
        second=fmean(theirs),
        difference=interval,
        size=2 * ranks.above - 1,
        direction=by_mean if by_ranks == by_mean else 0,
        p=p,
        n=len(ours) + len(theirs),
        seeds=min(len({row.columns["seed"] for row in side}) for side in known),
        left_out=without([*first, *second], metric),
        varies=tuple(shared(first, second, axes)[1]),
        lost=attrition(first, second, metric),
        sizes=(len(ours), len(theirs)),
    )


def without(rows: Sequence[RunRow], metric: str) -> dict[str, int]:
    """How many runs lack the number, by reason."""
    return dict(Counter(_reason(row) for row in rows if metric not in row.numbers))


def _reason(row: RunRow) -> str:
    return "not measured" if row.status == "done" else row.status
