"""Whether and when a run collapsed, by a rule and the values of one metric at its marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isnan
from typing import Literal

Better = Literal["lower", "higher"]


@dataclass(frozen=True, kw_only=True)
class StabilityRule:
    """When a value is good. It must meet every condition that is given, and at least one must be given.

    `limit`: the worst good value (`fd <= 60`, `modes >= 6`; the limit itself is good).
    `ratio`: the factor by which a good value may be worse than the run's best so far, for metrics that are never
    negative.
    `drop`: the difference by which a good value may be worse than the run's best so far, for metrics of any sign.
    `tail`: the share of the marks at the end (rounded down, at least one) that decides.
    """

    limit: float | None = None
    ratio: float | None = None
    drop: float | None = None
    tail: float = 0.2

    def __post_init__(self) -> None:
        if self.limit is None and self.ratio is None and self.drop is None:
            raise ValueError("a rule needs a limit, a ratio or a drop")
        if (self.ratio is not None and self.ratio < 1) or (self.drop is not None and self.drop < 0):
            raise ValueError("a ratio is at least 1, a drop at least 0")
        if not 0 <= self.tail <= 1:
            raise ValueError("tail is a share of the marks, between 0 and 1")


def collapse(steps: Sequence[int], values: Sequence[float | None], better: Better, rule: StabilityRule) -> int | None:
    """The mark from which a run is collapsed by one metric, or None for a stable run.

    `values[i]` belongs to the mark `steps[i]`, in order; it is None or NaN if missing. A run is collapsed if more than
    half of the marks in the tail are bad, which means not good by the rule or missing. It is collapsed from the first
    mark from which on, up to every later mark, more marks are bad than good (the change point of Page's cumulative
    sum, 1954). Bad marks from which a run recovers do not count, and neither does a slow start, which is the marks
    before the first good one. A run that was never good is collapsed from its first mark.
    Raises ValueError without marks, for marks out of order, or if there are more or fewer values than marks.
    """
    if not steps or len(steps) != len(values) or any(a >= b for a, b in pairwise(steps)):
        raise ValueError("a run has at least one mark, in ascending order, and one value for each mark")
    bad = bad_marks([None if value is None or isnan(value) else value for value in values], better, rule)
    ending = max(1, int(rule.tail * len(steps) + 1e-9))
    return steps[_change(bad)] if 2 * sum(bad[-ending:]) > ending else None


def bad_marks(values: Sequence[float | None], better: Better, rule: StabilityRule) -> list[bool]:
    """Whether each value breaks the rule, given the values before it. A missing value (None) does.

    Raises ValueError for a negative value if the rule has a ratio.
    """
    sign = 1.0 if better == "lower" else -1.0
    bad: list[bool] = []
    best: float | None = None
    worst: list[float] = []
    for value in values:
        if value is None:
            bad.append(True)
            continue
        if best is None or sign * value < sign * best:
            best, worst = value, _worst_good(value, sign, rule)
        bad.append(any(sign * value > sign * end for end in worst))
    return bad


def _worst_good(best: float, sign: float, rule: StabilityRule) -> list[float]:
    """The worst good value by each condition of a rule. `sign`: 1 where lower is better, else -1."""
    if rule.ratio is not None and best < 0:
        raise ValueError(f"a ratio has no meaning for a negative value ({best}); give a drop instead")
    by_ratio = None if rule.ratio is None else best * rule.ratio if sign > 0 else best / rule.ratio
    by_drop = None if rule.drop is None else best + sign * rule.drop
    return [worst for worst in (rule.limit, by_ratio, by_drop) if worst is not None]


def _change(bad: Sequence[bool]) -> int:
    """The mark after the last minimum of the cumulative sum, which adds 1 for a bad and -1 for a good mark.

    The sum starts at the first good mark. The result is 0 if no mark follows the minimum, because then only marks
    before the first good one make the tail bad.
    """
    start = bad.index(False) if False in bad else 0
    sums = list(accumulate((1 if mark_is_bad else -1 for mark_is_bad in bad[start:]), initial=0))
    lowest = min(sums)
    mark = start + max(index for index, value in enumerate(sums) if value == lowest)
    return mark if mark < len(bad) else 0
