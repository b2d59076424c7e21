"""How the runs of a cell ended, as rates; and which cell is the best beyond doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.stats import Interval, holm, signed_rank, wilson

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow

LEVEL = 0.05


@dataclass(frozen=True)
class Outcomes:
    """Shares of a cell's finished runs with Wilson's intervals, and the marks at which the collapsed ones collapsed."""

    stable: Interval
    collapsed: Interval
    diverged: Interval
    steps: tuple[int, ...]


def outcomes(cell: Sequence[RunRow]) -> Outcomes | None:
    """None where the suite has no rule for the dataset, or no run is finished."""
    endings = [row.ending for row in cell if row.ending]
    if not endings:
        return None
    kinds = [ending.kind for ending in endings]
    return Outcomes(
        stable=wilson(kinds.count("stable"), len(kinds)),
        collapsed=wilson(kinds.count("collapsed"), len(kinds)),
        diverged=wilson(kinds.count("diverged"), len(kinds)),
        steps=tuple(sorted(ending.step for ending in endings if ending.step is not None)),
    )


def best_cells(cells: Sequence[Sequence[RunRow]], metrics: Mapping[str, str]) -> dict[str, int]:
    """For each metric the cell that is significantly better than every other, if there is one.

    Signed-rank tests paired by seed of the cell with the best mean against each other one, corrected by Holm. A cell
    without a number is no rival; one with fewer numbers than others can't be the best.
    """
    found = {}
    for metric, better in metrics.items():
        best = _best(cells, metric, 1.0 if better == "higher" else -1.0)
        if best is not None:
            found[metric] = best
    return found


def _best(cells: Sequence[Sequence[RunRow]], metric: str, sign: float) -> int | None:
    values = [[sign * row.numbers[metric] for row in cell if metric in row.numbers] for cell in cells]
    known = [index for index, own in enumerate(values) if own]
    if len(known) < 2:
        return None
    best = max(known, key=lambda index: sum(values[index]) / len(values[index]))
    if len(values[best]) < max(map(len, values)):
        return None
    tests = [_against(cells[best], cells[index], metric, sign) for index in known if index != best]
    return best if all(p < LEVEL for p in holm(tests)) else None


def _against(best: Sequence[RunRow], other: Sequence[RunRow], metric: str, sign: float) -> float:
    """The two-sided p that one cell is better than another by the seeds that they share; 1 where it is not."""
    by_seed = {row.columns["seed"]: row.numbers[metric] for row in other if metric in row.numbers}
    shared = [row for row in best if metric in row.numbers and row.columns["seed"] in by_seed]
    test = signed_rank([sign * (row.numbers[metric] - by_seed[row.columns["seed"]]) for row in shared])
    return test.p if test.above > 0.5 else 1.0
