"""Runs that diverged have no number: who lost more of them looks better than it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.results.questions import RATES
from ganbench.stats import fisher

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow

LEVEL = 0.05


@dataclass(frozen=True)
class Attrition:
    """Of how many finished runs how many diverged, on the first and on the second side of a comparison."""

    diverged: tuple[int, int]
    finished: tuple[int, int]

    @property
    def side(self) -> int:
        """1 where significantly more runs of the first diverged, -1 of the second, else 0 (Fisher's exact test)."""
        if min(self.finished) == 0:
            return 0
        first, second = zip(self.diverged, self.finished, strict=True)
        above, below = fisher(first, second)
        return int(above < LEVEL) - int(below < LEVEL)

    def __str__(self) -> str:
        told = [f"{lost} of {all_} runs diverged" for lost, all_ in zip(self.diverged, self.finished, strict=True)]
        return " against ".join((told[0], told[1].removesuffix(" runs diverged")))


def attrition(first: Sequence[RunRow], second: Sequence[RunRow], metric: str) -> Attrition:
    """What two sides lost to divergence by a metric; nothing by a rate, which counts diverged runs."""
    if metric in RATES:
        return Attrition((0, 0), (0, 0))
    statuses = [[row.status for row in side] for side in (first, second)]
    lost, through = ([side.count(name) for side in statuses] for name in ("diverged", "done"))
    return Attrition((lost[0], lost[1]), (lost[0] + through[0], lost[1] + through[1]))
