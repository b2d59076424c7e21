"""The numbers of a run from its curve of scores: best, last, tail, and the headline by the report's rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ganbench.errors import RequestError
from ganbench.evaluators.base import declared_metric
from ganbench.stats import tail_median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ganbench.results.table import Results

NUMBERS = ["best", "last", "tail"]


def check_rule(rule: str, metrics: list[str]) -> str:
    """The rule itself. Raises `RequestError` unless it is `last`, `tail` or `best:METRIC` with a known metric."""
    if rule in ("last", "tail") or (rule.startswith("best:") and rule.removeprefix("best:") in metrics):
        return rule
    raise RequestError(
        "--rule", f"no rule {rule!r}", "allowed: last, tail, best:METRIC", f"this suite's metrics: {', '.join(metrics)}"
    )


def per_run(results: Results, rule: str) -> pd.DataFrame:
    """One row for each run that is done and metric: `run_id metric best last tail headline`, NaN for a missing number.

    Diverged, failed and unfinished runs have no row. `last` is always the value at the run's last mark: an earlier
    value would hide that the metric could not be computed there.
    """
    done = results.runs.loc[results.runs["status"] == "done", "run_id"]
    scores = results.scores[results.scores["run_id"].isin(done)]
    marks = pd.Series([results.marks[run_id] for run_id in scores["run_id"].tolist()], scores.index, dtype=object)
    parts = [_numbers(part, steps, results) for steps, part in scores.groupby(marks, sort=False)]
    if not parts:
        return pd.DataFrame(columns=["run_id", "metric", *NUMBERS, "headline"])
    numbers = pd.concat(parts, ignore_index=True)
    if not rule.startswith("best:"):
        return numbers.assign(headline=numbers[rule])
    chosen = _at_best(scores, rule.removeprefix("best:"), results)
    return numbers.merge(chosen, on=["run_id", "metric"], how="left")


def _numbers(scores: pd.DataFrame, steps: tuple[int, ...], results: Results) -> pd.DataFrame:
    """Best, last and tail of runs that share their marks."""
    curves = scores.pivot(index=["run_id", "metric"], columns="step", values="value").reindex(columns=list(steps))
    values = curves.to_numpy(np.float64)
    sign = _signs(curves.index.get_level_values("metric"), results)
    best = sign * np.nanmin(values * sign[:, None], axis=1)
    numbers = pd.DataFrame({"best": best, "last": values[:, -1], "tail": tail_median(values)}, index=curves.index)
    return numbers.reset_index()


def _at_best(scores: pd.DataFrame, metric: str, results: Results) -> pd.DataFrame:
    """Every metric at the step where a run's `metric` is best, the earliest if several are equal."""
    judged = scores[scores["metric"] == metric].sort_values(["run_id", "step"], ignore_index=True)
    order = judged["value"] * _signs(judged["metric"], results)
    steps = judged.loc[order.groupby(judged["run_id"]).idxmin(), ["run_id", "step"]]
    return scores.merge(steps, on=["run_id", "step"])[["run_id", "metric", "value"]].rename(
        columns={"value": "headline"}
    )


def _signs(metrics: pd.Index[str] | pd.Series[str], results: Results) -> NDArray[np.float64]:
    """1 for a metric that is better when lower, -1 for the others, also within one class."""
    signs = {name: 1.0 if info.better == "lower" else -1.0 for name, info in results.manifest.metrics.items()}
    return np.asarray([signs[declared_metric(name)] for name in metrics], dtype=np.float64)
