"""The runs of a dataset's cells: each one's number by the report's rule, and its curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from ganbench.report.analysis.summary import DatasetSummary
    from ganbench.results.questions import Named
    from ganbench.results.table import Results

    Points = Mapping[str, Mapping[str, Sequence[tuple[int, float]]]]  # by metric and run: (step, value)


@dataclass(frozen=True)
class Dot:
    """The number of one run that is done, by the report's rule."""

    value: float
    run_id: str
    seed: int


@dataclass(frozen=True)
class Curve:
    """The values of a run, finished or not, at its marks: (step, value)."""

    run_id: str
    seed: int
    points: tuple[tuple[int, float], ...]


def runs_of(results: Results, summary: DatasetSummary) -> list[list[tuple[str, int]]]:
    """For each cell the ids and seeds of its runs, in the order of the seeds."""
    runs = results.runs[results.runs["dataset"] == summary.dataset].sort_values("seed")
    cells: dict[tuple[Named, ...], list[tuple[str, int]]] = {}
    columns = (runs[name].tolist() for name in ("run_id", "seed", *summary.varying))
    for run_id, seed, *setting in zip(*columns, strict=True):
        cells.setdefault(tuple(setting), []).append((run_id, seed))
    return [cells.get(tuple(cell.columns[name] for name in summary.varying), []) for cell in summary.cells]


def points_of(results: Results) -> Points:
    """The (step, value) of every run by metric, in the order of the steps."""
    scores = results.scores.sort_values("step")
    points: dict[str, dict[str, list[tuple[int, float]]]] = {}
    columns = (scores[name].tolist() for name in ("metric", "run_id", "step", "value"))
    for metric, run_id, step, value in zip(*columns, strict=True):
        points.setdefault(metric, {}).setdefault(run_id, []).append((step, value))
    return points


def curves_of(results: Results, points: Points, summary: DatasetSummary, metric: str) -> list[tuple[Curve, ...]]:
    """For each cell the curves of its runs, in the order of the seeds; a run without scores has none."""
    own = points.get(metric, {})
    return [
        tuple(Curve(run_id, seed, tuple(own[run_id])) for run_id, seed in runs if run_id in own)
        for runs in runs_of(results, summary)
    ]


def dots_of(results: Results, numbers: pd.DataFrame, summary: DatasetSummary, metric: str) -> list[tuple[Dot, ...]]:
    """For each cell the numbers of its runs by the report's rule. `numbers`: the table that `per_run` returns."""
    known = numbers[(numbers["metric"] == metric) & numbers["headline"].notna()]
    values = dict(zip(known["run_id"].tolist(), known["headline"].tolist(), strict=True))
    return [
        tuple(Dot(values[run_id], run_id, seed) for run_id, seed in runs if run_id in values)
        for runs in runs_of(results, summary)
    ]
