"""Which axis of the grid matters: the share of a metric's variance that goes with each, and with pairs of them."""

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
    """An axis, or several that interact; none is what is left: seeds, and interactions of three or more."""

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


def factors(found: Sequence[RunRow], axes: Sequence[str], metrics: Sequence[str]) -> Iterator[Factors]:
    """For each dataset and metric that varies, and with it at least two axes among the runs that have the number."""
    for dataset in dict.fromkeys(row.columns["dataset"] for row in found):
        own = [row for row in found if row.columns["dataset"] == dataset]
        for metric in metrics:
            rows = [row for row in own if metric in row.numbers]
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
