"""How much of the wall time may go into evaluation."""

from __future__ import annotations


def affords(budget: float | None, spent: float, cost: float, elapsed: float) -> bool:
    """Whether one more mark keeps evaluation within its share, with enough left over for the last mark.

    `spent`: seconds of evaluation so far; `cost`: of the mark scored last, 0 before any; `elapsed`: wall time so far,
    evaluation included. Without a budget every mark is affordable.
    """
    return budget is None or spent + 2 * cost < budget * (elapsed + 2 * cost)
