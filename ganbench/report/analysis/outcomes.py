"""How the runs of a cell ended, as rates, and which cell is significantly the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from ganbench.stats import LEVEL, Interval, holm, signed_rank, wilson
from ganbench.stats.outcomes import Outcome

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow


@dataclass(frozen=True)
class Outcomes:
    """Shares of a cell's finished runs with Wilson's intervals.

    `steps`: the marks from which the collapsed runs were collapsed. `diverse`: how many of these runs stayed diverse,
    and so lost the quality of their samples and not their diversity.
    """

    stable: Interval
    collapsed: Interval
    never_good: Interval
    diverged: Interval
    steps: tuple[int, ...]
    diverse: int


def outcomes(cell: Sequence[RunRow]) -> Outcomes | None:
    """None if the suite has no rule for the dataset or no run is finished."""
    endings = [row.ending for row in cell if row.ending]
    if not endings:
        return None
    kinds = [ending.kind for ending in endings]
    return Outcomes(
        **{kind: wilson(kinds.count(kind), len(kinds)) for kind in get_args(Outcome)},
        steps=tuple(sorted(ending.step for ending in endings if ending.step is not None)),
        diverse=sum(ending.diverse for ending in endings),
    )


def best_cells(cells: Sequence[Sequence[RunRow]], metrics: Mapping[str, str]) -> dict[str, int]:
    """For each metric the index of the cell that is significantly better than every other, if there is such a cell.

    The cell with the best mean is compared with each other cell by signed-rank tests paired by seed, corrected by Holm.
    A cell without a number is not compared. A cell with fewer numbers than another can't be the best.
    """
    best_of = {}
    for metric, better in metrics.items():
        best = _best(cells, metric, 1.0 if better == "higher" else -1.0)
        if best is not None:
            best_of[metric] = best
    return best_of


def _best(cells: Sequence[Sequence[RunRow]], metric: str, sign: float) -> int | None:
    values = [[sign * row.numbers[metric] for row in cell if metric in row.numbers] for cell in cells]
    known = [index for index, numbers in enumerate(values) if numbers]
    if len(known) < 2:
        return None
    best = max(known, key=lambda index: sum(values[index]) / len(values[index]))
    if len(values[best]) < max(map(len, values)):
        return None
    tests = []
    for index in known:
        if index != best:
            tests.append(_against(cells[best], cells[index], metric, sign))
            if tests[-1] >= LEVEL:  # Holm's correction makes no p smaller
                return None
    return best if all(p < LEVEL for p in holm(tests)) else None


def _against(best: Sequence[RunRow], other: Sequence[RunRow], metric: str, sign: float) -> float:
    """The two-sided p of one cell being better than another on the seeds that they share; 1 if it is not better."""
    by_seed = {row.columns["seed"]: row.numbers[metric] for row in other if metric in row.numbers}
    shared = [row for row in best if metric in row.numbers and row.columns["seed"] in by_seed]
    test = signed_rank([sign * (row.numbers[metric] - by_seed[row.columns["seed"]]) for row in shared])
    return test.p if test.above > 0.5 else 1.0
