"""How a run ended, and from which mark on it was collapsed, judged by the values of its metrics at its marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf, isnan
from typing import Literal

Better = Literal["lower", "higher"]
Outcome = Literal["stable", "collapsed", "never_good", "diverged"]

TAIL = 0.2  # the share of a run's marks, at its end, that decides


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Which values of a metric are good: those that meet every threshold that is given. At least one must be given.

    `limit`: the worst good value (`fd <= 60`, `modes >= 6`; the limit itself is good).
    `ratio`: the factor by which a good value may be worse than the run's best so far, for metrics that are never
    negative.
    `drop`: the difference by which a good value may be worse than the run's best so far, for metrics of any sign.
    """

    limit: float | None = None
    ratio: float | None = None
    drop: float | None = None

    def __post_init__(self) -> None:
        if self.limit is None and self.ratio is None and self.drop is None:
            raise ValueError("thresholds need a limit, a ratio or a drop")
        if (self.ratio is not None and self.ratio < 1) or (self.drop is not None and self.drop < 0):
            raise ValueError("a ratio is at least 1, a drop at least 0")


@dataclass(frozen=True)
class Ending:
    """How a finished run ended.

    `step`: the mark from which it was collapsed. `diverse`: whether a collapsed run was diverse in most of its tail,
    and so is collapsed because its samples became bad in another way.
    """

    kind: Outcome
    step: int | None = None
    diverse: bool = False


def judge(steps: Sequence[int], good: Sequence[bool], diverse: Sequence[bool], tail: float = TAIL) -> Ending:
    """How a run ended that did not diverge.

    `good[i]` and `diverse[i]` say whether the run was good, and whether it was diverse, at the mark `steps[i]`, in
    order. The last share `tail` of the marks (rounded down, at least one) decides. The run is

    - `never_good` if no mark is good: it did not learn, and so it lost nothing;
    - `collapsed` if more than half of the tail's marks since its first good mark are not both good and diverse;
    - `stable` otherwise.

    It is collapsed from the first mark from which on, up to every later mark, more marks are bad than both good and
    diverse (the change point of Page's cumulative sum, 1954). Bad marks from which it recovers do not count, and
    neither do the marks before the first good one.
    Raises ValueError without marks, for marks out of order, if the lengths differ, and for a tail outside 0 .. 1.
    """
    if not steps or not len(steps) == len(good) == len(diverse) or any(a >= b for a, b in pairwise(steps)):
        raise ValueError("a run has at least one mark, in ascending order, and one value for each mark")
    if not 0 <= tail <= 1:
        raise ValueError("tail is a share of the marks, between 0 and 1")
    if not any(good):
        return Ending("never_good")
    first, begin = list(good).index(True), len(steps) - max(1, int(tail * len(steps) + 1e-9))
    bad = [not (is_good and is_diverse) for is_good, is_diverse in zip(good, diverse, strict=True)]
    if not _mostly(bad[max(first, begin) :]):
        return Ending("stable")
    return Ending("collapsed", steps[first + _change(bad[first:])], _mostly(diverse[begin:]))


def good_marks(values: Sequence[float | None], better: Better, thresholds: Thresholds) -> list[bool]:
    """Whether each value is good, given the values before it. A missing value (None or NaN) is not.

    Raises ValueError for a negative value if there is a ratio.
    """
    sign = 1.0 if better == "lower" else -1.0
    good: list[bool] = []
    best: float | None = None
    bound = inf
    for value in values:
        if value is None or isnan(value):
            good.append(False)
            continue
        if best is None or sign * value < sign * best:
            best, bound = value, min((sign * end for end in _worst_good(value, sign, thresholds)), default=inf)
        good.append(sign * value <= bound)
    return good


def _worst_good(best: float, sign: float, thresholds: Thresholds) -> list[float]:
    """The worst good value by each threshold. `sign`: 1 where lower is better, else -1."""
    limit, ratio, drop = thresholds.limit, thresholds.ratio, thresholds.drop
    if ratio is not None and best < 0:
        raise ValueError(f"a ratio has no meaning for a negative value ({best}); give a drop instead")
    by_ratio = None if ratio is None else best * ratio if sign > 0 else best / ratio
    by_drop = None if drop is None else best + sign * drop
    return [worst for worst in (limit, by_ratio, by_drop) if worst is not None]


def _mostly(marks: Sequence[bool]) -> bool:
    """Whether more than half of the marks are true."""
    return 2 * sum(marks) > len(marks)


def _change(bad: Sequence[bool]) -> int:
    """The mark after the last minimum of the cumulative sum, which adds 1 for a bad mark and -1 for another one."""
    sums = list(accumulate((1 if mark_is_bad else -1 for mark_is_bad in bad), initial=0))
    lowest = min(sums)
    return max(index for index, value in enumerate(sums) if value == lowest)
