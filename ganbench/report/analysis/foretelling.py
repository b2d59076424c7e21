"""Which metrics, at an early mark, foretell how runs end."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from ganbench.report.analysis.trajectories import per_run
from ganbench.stats import concordance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ganbench.results.table import Results
    from ganbench.stats import Interval

LEVEL = 0.05  # of all intervals of a table together


@dataclass(frozen=True)
class Foretelling:
    """How well a metric at an early mark foretells the end of the runs; see `concordance`.

    `pooled`: over all pairs of runs of the dataset, so that it includes what differs between cells; `within`: over the
    pairs of each cell. None without such a pair of runs with different ends. `runs`: those with the number.
    """

    metric: str
    pooled: Interval | None
    within: Interval | None
    runs: int


@dataclass(frozen=True)
class Ends:
    """What foretells the ends of a dataset's runs by one metric of its rule: the median over the last fifth.

    `step`: of the early mark. `left_out`: finished runs that had diverged by then. `level`: of each interval.
    """

    dataset: str
    metric: str
    step: int
    runs: int
    left_out: int
    level: float
    rows: tuple[Foretelling, ...]  # the clearest within cells first


def foretelling(results: Results) -> Iterator[Ends]:
    """The answers to the suite's `foretell`, for each dataset with a rule and each metric of the rule."""
    share = results.manifest.questions.foretell
    if share is None:
        return
    finished = results.runs[results.runs["status"].isin(["done", "diverged"])]
    for dataset, rule in results.manifest.questions.outcome.items():
        runs = finished[finished["dataset"] == dataset]
        if len(runs):
            steps = results.marks[runs["run_id"].iloc[0]]
            step = min(mark for mark in steps if mark >= share * steps[-1] or mark == steps[-1])
            for metric in sorted(rule.metrics):
                yield _ends(results, dataset, metric, step)


def _ends(results: Results, dataset: str, metric: str, step: int) -> Ends:
    signs = {name: 1.0 if better == "lower" else -1.0 for name, better in results.manifest.ranked_metrics().items()}
    runs = results.runs[results.runs["dataset"] == dataset]
    cells = _cells(results)
    numbers = per_run(results, "tail")
    numbers = numbers[(numbers["metric"] == metric) & numbers["tail"].notna()]
    late = dict.fromkeys(runs.loc[runs["status"] == "diverged", "run_id"], inf)
    own = set(runs["run_id"])
    late |= {run: signs[metric] * v for run, v in zip(numbers["run_id"], numbers["tail"], strict=True) if run in own}
    scores = results.scores[(results.scores["step"] == step) & results.scores["run_id"].isin(late)]
    early: dict[str, dict[str, float]] = {}
    for run_id, name, value in zip(scores["run_id"], scores["metric"], scores["value"], strict=True):
        if name in signs:
            early.setdefault(name, {})[run_id] = signs[name] * value
    varied = {name: values for name, values in early.items() if len(set(values.values())) > 1}
    level = LEVEL / max(1, 2 * len(varied))
    rows = [_row(name, values, late, cells, level) for name, values in varied.items()]
    rows.sort(key=lambda row: -abs((row.within.mean if row.within else 0.5) - 0.5))
    return Ends(dataset, metric, step, len(late), len(late) - len(set(scores["run_id"])), level, tuple(rows))


def _row(
    name: str, early: Mapping[str, float], late: Mapping[str, float], cells: Mapping[str, str], level: float
) -> Foretelling:
    known = list(early)
    series = [early[run] for run in known], [late[run] for run in known], [cells[run] for run in known]
    pooled, within = (concordance(*series, within=apart, confidence=1 - level) for apart in (False, True))
    return Foretelling(name, pooled, within, len(known))


def _cells(results: Results) -> dict[str, str]:
    """The cell of each run: its columns but the seed."""
    names = [name for name in results.runs.columns if name not in ("run_id", "seed", "status", "error")]
    return {str(run["run_id"]): repr([run[name] for name in names]) for run in results.runs.to_dict("records")}
