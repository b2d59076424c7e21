"""How a run ended, judged by a declared rule from one metric's values at its marks: stable, or collapsed and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isnan
from statistics import median
from typing import Literal

Better = Literal["lower", "higher"]
Verdict = Literal["stable", "collapsed"]


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


@dataclass(frozen=True)
class Outcome:
    """The verdict, the mark from which the run was collapsed (None if stable), and the metric's headline values.

    `last` is the value at the last mark, `tail` the median of the rule's tail; None where the metric is absent there.
    `best` and `best_step` are None for a run without any value.
    """

    verdict: Verdict
    step: int | None
    best: float | None
    best_step: int | None
    last: float | None
    tail: float | None


def judge(steps: Sequence[int], values: Sequence[float | None], better: Better, rule: Rule) -> Outcome:
    """Judge a run by one metric: `values[i]` at the mark `steps[i]`, in order; None or NaN where it is absent.

    A run is collapsed when more than half of the tail's marks are bad: not good by the rule, or without a value. It
    counts as collapsed from the first mark since which, up to every later one, more were bad than good (the change
    point of Page's cumulative sum, 1954). Bad marks that a run recovers from leave it stable, and so does a slow start:
    what it was before its first good mark is not counted. One that never was good is collapsed from its first mark.
    Raises ValueError for no marks, marks out of order, or another number of values than marks.
    """
    if not steps or len(steps) != len(values) or any(a >= b for a, b in pairwise(steps)):
        raise ValueError("judge needs ascending marks, at least one, and one value for each")
    known = [None if value is None or isnan(value) else float(value) for value in values]
    bad = bad_marks(known, better, rule)
    ending = max(1, int(rule.tail * len(steps) + 1e-9))
    collapsed = 2 * sum(bad[-ending:]) > ending
    at_best = _best(known, better)
    return Outcome(
        verdict="collapsed" if collapsed else "stable",
        step=steps[_change(bad)] if collapsed else None,
        best=None if at_best is None else known[at_best],
        best_step=None if at_best is None else steps[at_best],
        last=known[-1],
        tail=_median(known[-ending:]),
    )


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


def _best(values: Sequence[float | None], better: Better) -> int | None:
    """Where the best value is, the earliest of equals."""
    sign = 1.0 if better == "lower" else -1.0
    present = [(sign * value, index) for index, value in enumerate(values) if value is not None]
    return min(present)[1] if present else None


def _median(values: Sequence[float | None]) -> float | None:
    """The median; None where a value is absent, which an average of the others would hide."""
    present = [value for value in values if value is not None]
    return median(present) if len(present) == len(values) else None
