"""Two sides of a comparison, paired by seed and by every column that they share, and their difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ganbench.report.analysis.attrition import Attrition, attrition
from ganbench.results.questions import RATES
from ganbench.stats import (
    Interval,
    detectable_difference,
    detectable_gap,
    detectable_rate,
    detectable_rate_gap,
    mcnemar,
    mean_interval,
    rate_difference,
    signed_rank,
)

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow

FEW = 5  # seeds below which a comparison is flagged
Key = tuple[Any, ...]


@dataclass(frozen=True)
class PairedValues:
    """The numbers of both sides in the order of their pairs, and why others were left out.

    `varies`: columns besides the axis in which the two sides have no value in common, so that they change with it.
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
    """First minus second over `n` pairs. `p` is Wilcoxon's signed-rank p, or McNemar's for a rate; two-sided.

    `direction`: 1 where ranks and mean both say that the first is higher, -1 lower, 0 where they don't agree.
    `size`: the rank-biserial correlation, of matched pairs or of two sides, from -1 to 1 (Kerby 2014).
    `sizes`: the runs of each side where they are not paired; `n` is then their sum, `p` Mann-Whitney's or Fisher's.
    `tied`: pairs without a difference. `lost`: what each side lost to divergence.
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


def shared(first: Sequence[RunRow], second: Sequence[RunRow], axis: str) -> tuple[list[str], list[str]]:
    """The columns by which two sides can be paired, and those that change with the axis."""
    names = [name for name in first[0].columns if name not in (axis, "seed", "dataset")] if first and second else []
    both = {name: {row.columns[name] for row in first} & {row.columns[name] for row in second} for name in names}
    return [name for name in names if both[name]], [name for name in names if not both[name]]


def paired(first: Sequence[RunRow], second: Sequence[RunRow], axis: str, metric: str) -> PairedValues:
    """Pair the runs of two values of an axis. A pair without both numbers is left out, and counted by its reason."""
    names, varies = shared(first, second, axis)
    sides = (_by_key(first, names), _by_key(second, names))
    values: list[tuple[float, float]] = []
    seeds, left_out = set(), Counter[str]()
    for key in dict.fromkeys((*sides[0], *sides[1])):
        reason = next((why for side in sides if (why := _absent(side.get(key, []), metric))), None)
        if reason:
            left_out[reason] += 1
            continue
        values.append((sides[0][key][0].numbers[metric], sides[1][key][0].numbers[metric]))
        seeds.add(key[-1])
    one, other = zip(*values, strict=True) if values else ((), ())
    return PairedValues(
        tuple(one), tuple(other), len(seeds), dict(left_out), tuple(varies), attrition(first, second, metric)
    )


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


def detectable(found: Effect, metric: str, alpha: float) -> float | None:
    """The difference that as many pairs or runs find at this level four times in five, or, of rates, the smallest
    that they can show at all. None where they can show none, or where nothing varies by which to reckon it.
    """
    sd = found.difference.sd
    if metric in RATES:
        return detectable_rate(found.n, alpha) if found.sizes is None else detectable_rate_gap(found.sizes, alpha)
    if not sd:
        return None
    if found.sizes is None:
        return detectable_difference(found.n - found.tied, sd, alpha)
    return detectable_gap(found.sizes, sd, alpha)


def sign(value: float) -> int:
    """1, 0 or -1."""
    return (value > 0) - (value < 0)


def _by_key(side: Sequence[RunRow], names: Sequence[str]) -> dict[Key, list[RunRow]]:
    found: dict[Key, list[RunRow]] = {}
    for row in side:
        found.setdefault((*map(row.columns.__getitem__, names), row.columns["seed"]), []).append(row)
    return found


def _absent(side: Sequence[RunRow], metric: str) -> str | None:
    """Why one side of a pair has no number."""
    if not side:
        return "without a partner"
    if len(side) > 1:
        return "with several partners"
    if metric in side[0].numbers:
        return None
    return "not measured" if side[0].status == "done" else side[0].status
