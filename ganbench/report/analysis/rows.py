"""The runs of a suite as rows: columns, how the run ended, and one number for each metric and rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Literal

from ganbench.stats.outcomes import collapse

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.results.manifest import Columns
    from ganbench.results.questions import Condition, Named, Where
    from ganbench.results.table import Results

    Values = Mapping[tuple[str, str], Mapping[int, float]]  # (run id, metric) -> step -> value


@dataclass(frozen=True)
class Ending:
    """How a finished run ended by the suite's rule, and the mark from which it was collapsed."""

    kind: Literal["stable", "collapsed", "diverged"]
    step: int | None = None


@dataclass(frozen=True)
class RunRow:
    """A run: its columns, `status` as in `Results`, and its numbers by the report's rule.

    The numbers of a finished run include the rates of `questions.RATES` as 1 or 0.
    """

    run_id: str
    columns: Columns
    status: str
    numbers: Mapping[str, float]
    ending: Ending | None


def rows(results: Results, numbers: pd.DataFrame, outcome: Mapping[str, Sequence[Condition]]) -> list[RunRow]:
    """Every run of the suite, in its order. `numbers`: the table that `per_run` returns."""
    values: dict[str, dict[str, float]] = {}
    known = numbers[numbers["headline"].notna()]
    for run_id, metric, value in zip(known["run_id"], known["metric"], known["headline"], strict=True):
        values.setdefault(run_id, {})[metric] = float(value)
    curves = _curves(results, {condition.metric for conditions in outcome.values() for condition in conditions})
    runs = []
    for run in results.runs.to_dict("records"):
        columns = {str(name): value for name, value in run.items() if name not in ("run_id", "status", "error")}
        conditions = outcome.get(run["dataset"], ())
        ending = _ending(run["run_id"], run["status"], conditions, results, curves)
        rates = _rates(run["status"], ending)
        runs.append(RunRow(run["run_id"], columns, run["status"], values.get(run["run_id"], {}) | rates, ending))
    return runs


def within(runs: Iterable[RunRow], where: Where) -> list[RunRow]:
    """The rows that have one of the given values in every given column."""
    for column, values in where.items():
        runs = [row for row in runs if row.columns[column] in values]
    return list(runs)


def by(runs: Iterable[RunRow], names: Sequence[str]) -> dict[tuple[Named, ...], list[RunRow]]:
    """The rows grouped by their values in some columns, in order."""
    groups: dict[tuple[Named, ...], list[RunRow]] = {}
    for row in runs:
        groups.setdefault(tuple(map(row.columns.__getitem__, names)), []).append(row)
    return groups


def unmeasured(runs: Sequence[RunRow], metric: str) -> bool:
    """Whether a metric is absent by design: some of these runs are done, and none of them has it."""
    statuses = {row.status for row in runs if metric not in row.numbers}
    return "done" in statuses and not any(metric in row.numbers for row in runs)


def _rates(status: str, ending: Ending | None) -> dict[str, float]:
    if status not in ("done", "diverged"):
        return {}
    rates = {"diverged": float(status == "diverged")}
    if ending:
        rates |= {"stable": float(ending.kind == "stable"), "collapsed": float(ending.kind == "collapsed")}
    return rates


def _ending(
    run_id: str, status: str, conditions: Sequence[Condition], results: Results, values: Values
) -> Ending | None:
    """How a run ended by all conditions: it collapsed at the earliest mark of any. None without a rule."""
    if not conditions or status not in ("done", "diverged"):
        return None
    if status == "diverged":
        return Ending("diverged")
    steps = results.marks[run_id]
    collapsed = []
    for condition in conditions:
        curve = values.get((run_id, condition.metric), {})
        better = results.manifest.ranked_metrics()[condition.metric]
        collapsed.append(collapse(steps, [curve.get(step) for step in steps], better, condition.rule))
    marks = [step for step in collapsed if step is not None]
    return Ending("collapsed", min(marks)) if marks else Ending("stable")


def _curves(results: Results, metrics: set[str]) -> Values:
    scores = results.scores[results.scores["metric"].isin(metrics)]
    curves: dict[tuple[str, str], dict[int, float]] = {}
    columns = (scores[name].tolist() for name in ("run_id", "metric", "step", "value"))
    for run_id, metric, step, value in zip(*columns, strict=True):
        if not isnan(value):
            curves.setdefault((run_id, metric), {})[step] = value
    return curves
