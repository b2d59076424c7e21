"""Whether a run collapsed and when, by a declared rule and one metric's values at its marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isnan
from typing import Literal

Better = Literal["lower", "higher"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a value is good; it must satisfy every condition that is given, and one must be.

    `limit`: the worst good value itself (`fd <= 60`, `modes >= 6`; the limit is good).
    `ratio`: how many times worse than the run's best so far a good value may be, for metrics that are never negative.
    `drop`: how much worse than its best so far, as a difference, for metrics of any sign.
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


def collapse(steps: Sequence[int], values: Sequence[float | None], better: Better, rule: Rule) -> int | None:
    """The mark from which a run was collapsed by one metric, or None of a stable one.

    `values[i]` belongs to the mark `steps[i]`, in order; None or NaN where it is absent. A run is collapsed when more
    than half of the tail's marks are bad: not good by the rule, or without a value. It counts as collapsed from the
    first mark since which, up to every later one, more were bad than good (the change point of Page's cumulative sum,
    1954). Bad marks that a run recovers from leave it stable, and so does a slow start: what it was before its first
    good mark is not counted. One that never was good is collapsed from its first mark.
    Raises ValueError for no marks, marks out of order, or another number of values than marks.
    """
    if not steps or len(steps) != len(values) or any(a >= b for a, b in pairwise(steps)):
        raise ValueError("a run has ascending marks, at least one, and one value for each")
    bad = bad_marks([None if value is None or isnan(value) else value for value in values], better, rule)
    ending = max(1, int(rule.tail * len(steps) + 1e-9))
    return steps[_change(bad)] if 2 * sum(bad[-ending:]) > ending else None


def bad_marks(values: Sequence[float | None], better: Better, rule: Rule) -> list[bool]:
    """Whether each value breaks the rule, given those before it; an absent one (None) does.

    Raises ValueError where a ratio meets a negative value.
    """
    sign = 1.0 if better == "lower" else -1.0
    found: list[bool] = []
    best: float | None = None
    worst: list[float] = []
    for value in values:
        if value is None:
            found.append(True)
            continue
        if best is None or sign * value < sign * best:
            best, worst = value, _worst_good(value, sign, rule)
        found.append(any(sign * value > sign * end for end in worst))
    return found


def _worst_good(best: float, sign: float, rule: Rule) -> list[float]:
    """The worst good value by each condition of a rule. `sign`: 1 where lower is better, else -1."""
    if rule.ratio is not None and best < 0:
        raise ValueError(f"a ratio says nothing about a negative value ({best}): give a drop")
    by_ratio = None if rule.ratio is None else best * rule.ratio if sign > 0 else best / rule.ratio
    by_drop = None if rule.drop is None else best + sign * rule.drop
    return [worst for worst in (rule.limit, by_ratio, by_drop) if worst is not None]


def _change(bad: Sequence[bool]) -> int:
    """The mark after the last lowest point of the sum of 1 for a bad and -1 for a good mark, from the first good one.

    0 where no mark comes after that point, since the tail is bad by marks before the first good one alone.
    """
    start = bad.index(False) if False in bad else 0
    sums = list(accumulate((1 if one else -1 for one in bad[start:]), initial=0))
    lowest = min(sums)
    mark = start + max(index for index, value in enumerate(sums) if value == lowest)
    return mark if mark < len(bad) else 0
