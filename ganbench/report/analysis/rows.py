"""The runs of a suite as rows: columns, how the run ended, and one number for each metric and rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from sys import intern
from typing import TYPE_CHECKING, Any

from ganbench.results.questions import RATES

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.results.manifest import Columns
    from ganbench.results.questions import OutcomeRule
    from ganbench.results.table import Results
    from ganbench.stats.outcomes import Ending

    Curves = Mapping[str, Mapping[str, Mapping[int, float]]]  # run id -> metric -> step -> value


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


def rows(results: Results, numbers: pd.DataFrame, outcome: Mapping[str, OutcomeRule]) -> list[RunRow]:
    """Every run of the suite, in its order. `numbers`: the table that `per_run` returns."""
    values: dict[str, dict[str, float]] = {}
    known = numbers[numbers["headline"].notna()]
    headlines = (known[name].tolist() for name in ("run_id", "metric", "headline"))
    for run_id, metric, value in zip(*headlines, strict=True):
        values.setdefault(run_id, {})[metric] = value
    curves = _curves(results, {metric for rule in outcome.values() for metric in rule.metrics})
    better = results.manifest.ranked_metrics()
    runs = []
    names = [str(name) for name in results.runs.columns if name not in ("run_id", "status", "error")]
    table = ([_shared(value) for value in results.runs[name].tolist()] for name in ("run_id", "status", *names))
    for run_id, status, *own in zip(*table, strict=True):
        columns = dict(zip(names, own, strict=True))
        rule = outcome.get(columns["dataset"])
        ending = rule.ending(status, results.marks[run_id], curves.get(run_id, {}), better) if rule else None
        runs.append(RunRow(run_id, columns, status, values.get(run_id, {}) | _rates(status, ending), ending))
    return runs


def _shared(value: Any) -> Any:
    """An equal value, the same object for equal texts: runs are grouped by their columns many times."""
    return intern(value) if isinstance(value, str) else value


def unmeasured(runs: Sequence[RunRow], metric: str) -> bool:
    """Whether a metric is absent by design: some of these runs are done, and none of them has it."""
    return not any(metric in row.numbers for row in runs) and any(row.status == "done" for row in runs)


def _rates(status: str, ending: Ending | None) -> dict[str, float]:
    if status not in ("done", "diverged"):
        return {}
    known = RATES if ending else ("diverged",)
    return {name: float(name == (ending.kind if ending else status)) for name in known}


def _curves(results: Results, metrics: set[str]) -> Curves:
    scores = results.scores[results.scores["metric"].isin(metrics)]
    curves: dict[str, dict[str, dict[int, float]]] = {}
    columns = (scores[name].tolist() for name in ("run_id", "metric", "step", "value"))
    for run_id, metric, step, value in zip(*columns, strict=True):
        if not isnan(value):
            curves.setdefault(run_id, {}).setdefault(metric, {})[step] = value
    return curves
