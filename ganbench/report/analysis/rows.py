"""The runs of a suite as plain rows: columns, how they ended, and one number for each metric and rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any, Literal

from ganbench.stats.outcomes import collapse

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.results.questions import Condition, Where
    from ganbench.results.table import Results

Curves = Mapping[tuple[str, str], Mapping[int, float]]  # (run id, metric) -> step -> value


@dataclass(frozen=True)
class Ending:
    """How a finished run ended by the suite's rule, and the mark from which it was collapsed."""

    kind: Literal["stable", "collapsed", "diverged"]
    step: int | None = None


@dataclass(frozen=True)
class RunRow:
    """A run: its columns, `status` as in `Results`, and its numbers by the report's rule.

    Among the numbers are the rates of `questions.RATES`, 1 or 0, for finished runs; None of them for the others.
    """

    run_id: str
    columns: Mapping[str, Any]
    status: str
    numbers: Mapping[str, float]
    ending: Ending | None


def rows(results: Results, numbers: pd.DataFrame, outcome: Mapping[str, Sequence[Condition]]) -> list[RunRow]:
    """Every run of the suite, in its order. `numbers`: what `per_run` gives."""
    values: dict[str, dict[str, float]] = {}
    known = numbers[numbers["headline"].notna()]
    for run_id, metric, value in zip(known["run_id"], known["metric"], known["headline"], strict=True):
        values.setdefault(run_id, {})[metric] = float(value)
    curves = _curves(results, {one.metric for conditions in outcome.values() for one in conditions})
    found = []
    for run in results.runs.to_dict("records"):
        columns = {str(name): value for name, value in run.items() if name not in ("run_id", "status", "error")}
        conditions = outcome.get(run["dataset"], ())
        ending = _ending(run["run_id"], run["status"], conditions, (results, curves))
        rates = _rates(run["status"], ending)
        found.append(RunRow(run["run_id"], columns, run["status"], values.get(run["run_id"], {}) | rates, ending))
    return found


def within(found: Iterable[RunRow], where: Where) -> list[RunRow]:
    """The rows that have one of the named values in every named column."""
    for column, values in where.items():
        found = [row for row in found if row.columns[column] in values]
    return list(found)


def by(found: Iterable[RunRow], names: Sequence[str]) -> dict[tuple[Any, ...], list[RunRow]]:
    """The rows by their values in some columns, in order."""
    groups: dict[tuple[Any, ...], list[RunRow]] = {}
    for row in found:
        groups.setdefault(tuple(map(row.columns.__getitem__, names)), []).append(row)
    return groups


def unmeasured(found: Sequence[RunRow], metric: str) -> bool:
    """Whether a metric is not there by design: runs of a dataset were finished, and none of them has it."""
    statuses = {row.status for row in found if metric not in row.numbers}
    return "done" in statuses and not any(metric in row.numbers for row in found)


def _rates(status: str, ending: Ending | None) -> dict[str, float]:
    if status not in ("done", "diverged"):
        return {}
    rates = {"diverged": float(status == "diverged")}
    if ending:
        rates |= {"stable": float(ending.kind == "stable"), "collapsed": float(ending.kind == "collapsed")}
    return rates


def _ending(run_id: str, status: str, conditions: Sequence[Condition], held: tuple[Results, Curves]) -> Ending | None:
    """Judged by every condition; collapsed from the earliest mark that one of them gives. None without a rule."""
    if not conditions or status not in ("done", "diverged"):
        return None
    if status == "diverged":
        return Ending("diverged")
    results, curves = held
    steps = results.marks[run_id]
    collapsed = []
    for one in conditions:
        curve = curves.get((run_id, one.metric), {})
        better = results.manifest.ranked_metrics()[one.metric]
        collapsed.append(collapse(steps, [curve.get(step) for step in steps], better, one.rule))
    found = [step for step in collapsed if step is not None]
    return Ending("collapsed", min(found)) if found else Ending("stable")


def _curves(results: Results, metrics: set[str]) -> Curves:
    scores = results.scores[results.scores["metric"].isin(metrics)]
    found: dict[tuple[str, str], dict[int, float]] = {}
    columns = (scores[name].tolist() for name in ("run_id", "metric", "step", "value"))
    for run_id, metric, step, value in zip(*columns, strict=True):
        if not isnan(value):
            found.setdefault((run_id, metric), {})[step] = value
    return found
