"""How much each axis of the grid matters: the shares of a metric's variance due to axes and to pairs of axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from ganbench.stats import shares

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow


@dataclass(frozen=True)
class Factor:
    """An axis, or several that interact. No axis is the residual: seeds, and interactions of three or more axes."""

    axes: tuple[str, ...]
    share: float
    f: float | None
    p: float | None


@dataclass(frozen=True)
class Factors:
    """The analysis of variance of one metric on one dataset over the `n` runs that have it."""

    dataset: str
    metric: str
    n: int
    factors: tuple[Factor, ...]


def factors(runs: Sequence[RunRow], axes: Sequence[str], metrics: Sequence[str]) -> Iterator[Factors]:
    """An analysis for each dataset and metric, if the metric and at least two axes vary among the runs that have it."""
    for dataset in dict.fromkeys(str(row.columns["dataset"]) for row in runs):
        on_dataset = [row for row in runs if row.columns["dataset"] == dataset]
        for metric in metrics:
            rows = [row for row in on_dataset if metric in row.numbers]
            levels = {axis: [row.columns[axis] for row in rows] for axis in axes if axis not in ("seed", "dataset")}
            varying = {axis: named for axis, named in levels.items() if len(set(named)) > 1}
            values = [row.numbers[metric] for row in rows]
            if len(varying) > 1 and len(set(values)) > 1:
                parts = shares(values, varying)
                yield Factors(
                    dataset,
                    metric,
                    len(rows),
                    tuple(Factor(part.factors, part.share, _known(part.f), _known(part.p)) for part in parts),
                )


def _known(value: float) -> float | None:
    return None if isnan(value) else value
