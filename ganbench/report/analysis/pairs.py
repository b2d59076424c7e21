"""Two sides of a comparison, paired by seed and by every column that they share, and their difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from ganbench.results.questions import RATES
from ganbench.results.selection import partners, shared
from ganbench.stats import (
    LEVEL,
    Interval,
    detectable_difference,
    detectable_gap,
    detectable_rate,
    detectable_rate_gap,
    fisher,
    mcnemar,
    mean_interval,
    rate_difference,
    signed_rank,
)

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow

FEW = 5  # seeds below which a comparison is flagged


@dataclass(frozen=True)
class Attrition:
    """How many of the finished runs diverged, on the first and on the second side of a comparison.

    Diverged runs have no number. The surviving runs of a side that lost many look better than the side is.
    """

    diverged: tuple[int, int]
    finished: tuple[int, int]

    @property
    def side(self) -> int:
        """1 if significantly more runs of the first side diverged, -1 for the second, else 0 (Fisher's exact test)."""
        if min(self.finished) == 0:
            return 0
        first, second = zip(self.diverged, self.finished, strict=True)
        above, below = fisher(first, second)
        return int(above < LEVEL) - int(below < LEVEL)

    def __str__(self) -> str:
        (first, of_first), (second, of_second) = zip(self.diverged, self.finished, strict=True)
        return f"{first} of {of_first} runs diverged against {second} of {of_second}"


@dataclass(frozen=True)
class PairedValues:
    """The numbers of both sides in the order of their pairs. `left_out`: how many pairs lack a number, by reason.

    `varies`: columns besides the axes in which the two sides have no value in common, so that they change with it.
    """

    first: tuple[float, ...]
    second: tuple[float, ...]
    seeds: int
    left_out: Mapping[str, int]
    varies: tuple[str, ...]
    lost: Attrition

    @property
    def differences(self) -> tuple[float, ...]:
        return tuple(a - b for a, b in zip(self.first, self.second, strict=True))


@dataclass(frozen=True)
class Effect:
    """First minus second over `n` pairs. `p` is two-sided, of Wilcoxon's signed-rank test, or McNemar's for a rate.

    `direction`: 1 if both the ranks and the mean say that the first is higher, -1 for lower, 0 if they disagree.
    `size`: the rank-biserial correlation, of matched pairs or of two sides, from -1 to 1 (Kerby 2014).
    `sizes`: the number of runs of each side if they are not paired. Then `n` is the sum of both, and `p` is that of the
    Mann-Whitney test or of Fisher's.
    `tied`: pairs without a difference. `lost`: how many runs of each side diverged.
    """

    first: float
    second: float
    difference: Interval
    size: float
    direction: int
    p: float
    n: int
    seeds: int
    left_out: Mapping[str, int]
    varies: tuple[str, ...]
    lost: Attrition
    tied: int = 0
    sizes: tuple[int, int] | None = None

    @property
    def few(self) -> bool:
        return self.seeds < FEW


def attrition(first: Sequence[RunRow], second: Sequence[RunRow], metric: str) -> Attrition:
    """How many runs of each side diverged; zero for a rate, which counts diverged runs."""
    if metric in RATES:
        return Attrition((0, 0), (0, 0))
    statuses = [[row.status for row in side] for side in (first, second)]
    diverged, done = ([side.count(name) for side in statuses] for name in ("diverged", "done"))
    return Attrition((diverged[0], diverged[1]), (diverged[0] + done[0], diverged[1] + done[1]))


def paired(first: Sequence[RunRow], second: Sequence[RunRow], axes: Collection[str], metric: str) -> PairedValues:
    """Pair the runs of two sides, which differ in `axes`. A pair without both numbers is left out and counted."""
    values: list[tuple[float, float]] = []
    seeds, left_out = set(), Counter[str]()
    names, varies = shared(first, second, axes)
    for key, sides in partners(first, second, names).items():
        reason = next((why for side in sides if (why := _absent(side, metric))), None)
        if reason:
            left_out[reason] += 1
            continue
        values.append((sides[0][0].numbers[metric], sides[1][0].numbers[metric]))
        seeds.add(key[-1])
    columns = zip(*values, strict=True) if values else ((), ())
    first_values, second_values = map(tuple, columns)
    lost = attrition(first, second, metric)
    return PairedValues(first_values, second_values, len(seeds), dict(left_out), tuple(varies), lost)


def effect(pairs: PairedValues, metric: str) -> Effect | None:
    """The difference of two sides; None without a pair."""
    differences = pairs.differences
    if not differences:
        return None
    test = signed_rank(differences)
    if metric in RATES:
        table = Counter(zip(pairs.first, pairs.second, strict=True))
        counts = (table[1, 1], table[1, 0], table[0, 1], table[0, 0])
        interval, p = rate_difference(*counts), mcnemar(counts[1], counts[2])
    else:
        interval, p = mean_interval(differences), test.p
    by_ranks, by_mean = sign(test.above - 0.5), sign(interval.mean)
    return Effect(
        first=fmean(pairs.first),
        second=fmean(pairs.second),
        difference=interval,
        size=2 * test.above - 1,
        direction=by_mean if by_ranks == by_mean else 0,
        p=p,
        n=len(differences),
        seeds=pairs.seeds,
        left_out=pairs.left_out,
        varies=pairs.varies,
        lost=pairs.lost,
        tied=differences.count(0),
    )


def detectable(effect: Effect, metric: str, alpha: float) -> float | None:
    """The difference that as many pairs or runs detect at this level with 80 % power, or, for a rate, the smallest
    that can be significant at all. None if none can be, and if nothing varies from which to compute it.
    """
    sd = effect.difference.sd
    if metric in RATES:
        return detectable_rate(effect.n, alpha) if effect.sizes is None else detectable_rate_gap(effect.sizes, alpha)
    if not sd:
        return None
    if effect.sizes is None:
        return detectable_difference(effect.n - effect.tied, sd, alpha)
    return detectable_gap(effect.sizes, sd, alpha)


def sign(value: float) -> int:
    """1, 0 or -1."""
    return (value > 0) - (value < 0)


def _absent(side: Sequence[RunRow], metric: str) -> str | None:
    """Why one side of a pair has no number."""
    if not side:
        return "without a partner"
    if len(side) > 1:
        return "with several partners"
    if metric in side[0].numbers:
        return None
    return "not measured" if side[0].status == "done" else side[0].status
