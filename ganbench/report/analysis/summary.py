"""A suite's results as numbers: a summary for each dataset, and within it each cell over its training seeds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import TYPE_CHECKING

from ganbench.report.analysis.comparisons import Family, family
from ganbench.report.analysis.factors import Factors, factors
from ganbench.report.analysis.looks import NOT_NEEDED, tested
from ganbench.report.analysis.outcomes import Outcomes, best_cells, outcomes
from ganbench.report.analysis.rows import RunRow, rows
from ganbench.report.analysis.trajectories import NUMBERS, per_run
from ganbench.report.analysis.tuning import Tuning, read_tuning
from ganbench.results.questions import RATES
from ganbench.results.selection import by
from ganbench.spec import UNSAVED, varying
from ganbench.stats import Interval, mean_interval, wilson

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.report.analysis.claims import Verdict
    from ganbench.results.manifest import Columns, ExcludedCell, Manifest, NotEvaluated
    from ganbench.results.questions import Condition, OutcomeRule
    from ganbench.results.store import Store
    from ganbench.results.table import AbsentMetric, Results

    Numbers = dict[str, dict[str, tuple[float, ...]]]  # by run and metric: headline, best, last, tail; NaN if missing

STATUSES = ("done", "diverged", "failed", "damaged", "running", "missing", NOT_NEEDED)


@dataclass(frozen=True)
class MetricSummary:
    """A metric in a cell, over the seeds that have the number; None if no seed has it."""

    headline: Interval | None  # by the report's rule
    best: Interval | None
    last: Interval | None
    tail: Interval | None


@dataclass(frozen=True)
class CellSummary:
    """A setting over its seeds. `diverged` is the rate among finished runs, None if no run is finished."""

    columns: Columns
    statuses: dict[str, int]
    diverged: Interval | None
    metrics: dict[str, MetricSummary]
    outcomes: Outcomes | None = None


@dataclass(frozen=True)
class DatasetSummary:
    """The cells of a dataset; `metrics` maps each metric measured there to `lower` or `higher` (what is better)."""

    dataset: str
    constant: Columns
    varying: tuple[str, ...]
    metrics: Mapping[str, str]
    cells: tuple[CellSummary, ...]
    outcome: str = ""  # the suite's rule for how a run ended, in words; empty without a rule
    best: dict[str, int] = field(default_factory=dict)  # metric -> the cell that is significantly the best


@dataclass(frozen=True)
class Failure:
    """Runs that ended with the same error, apart from numbers and run ids. `error` and `log` are those of the first."""

    error: str
    runs: tuple[str, ...]
    log: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """A suite's results under one rule; `statuses` counts its runs."""

    suite: str
    about: str
    rule: str
    statuses: dict[str, int]
    sections: tuple[DatasetSummary, ...]
    excluded: tuple[ExcludedCell, ...]
    skipped: tuple[NotEvaluated, ...]
    failures: tuple[Failure, ...]
    evaluation_share: float | None = None  # of the finished runs' wall time
    budget: float | None = None  # the share that the suite allows
    claims: tuple[Verdict, ...] = ()
    families: tuple[Family, ...] = ()
    factors: tuple[Factors, ...] = ()
    tuning: Tuning | None = None  # the search that chose the settings
    absent: tuple[AbsentMetric, ...] = ()  # metrics without a score at some mark, with the reasons


def summarise(store: Store, results: Results, rule: str) -> Report:
    """Everything that a report is built from. Means are over runs that are done; missing numbers are left out."""
    manifest, numbers = results.manifest, per_run(results, rule)
    questions = manifest.questions
    runs, answers = tested(rows(results, numbers, questions.outcome), manifest)
    better = {name: info.better for name, info in manifest.metrics.items()} | RATES
    compared = tuple(dict.fromkeys(compare.metric for compare in questions.compare))
    by_run = _by_run(numbers)
    return Report(
        suite=results.suite,
        about=manifest.about,
        rule=rule,
        statuses=_count(runs),
        sections=tuple(
            _section(str(dataset), group, by_run, manifest) for (dataset,), group in by(runs, ("dataset",)).items()
        ),
        excluded=manifest.excluded,
        skipped=manifest.not_evaluated,
        failures=_failures(store, results.runs),
        evaluation_share=results.evaluation_share,
        budget=manifest.budget,
        claims=answers,
        families=tuple(family(runs, compare, better[compare.metric]) for compare in questions.compare),
        factors=tuple(factors(runs, manifest.axes, compared)),
        tuning=read_tuning(store, results.suite),
        absent=results.absent,
    )


def _section(dataset: str, runs: Sequence[RunRow], numbers: Numbers, manifest: Manifest) -> DatasetSummary:
    columns = [name for name in runs[0].columns if name not in ("dataset", "seed")]
    differing = varying((run.columns for run in runs), columns) or ("variant",)
    unsaid = {*differing, *(axis for axis, value in UNSAVED.items() if runs[0].columns.get(axis) == value)}
    cells = list(by(runs, columns).values())
    measured = {metric for run in runs for metric in numbers.get(run.run_id, ())}
    metrics = {name: better for name, better in manifest.ranked_metrics().items() if name in measured}
    return DatasetSummary(
        dataset=dataset,
        constant={name: value for name, value in runs[0].columns.items() if name in columns and name not in unsaid},
        varying=differing,
        metrics=metrics,
        cells=tuple(_cell({name: cell[0].columns[name] for name in columns}, cell, numbers) for cell in cells),
        outcome=_rule_text(rule, manifest) if (rule := manifest.questions.outcome.get(dataset)) else "",
        best=best_cells(cells, metrics),
    )


def _cell(columns: Columns, runs: Sequence[RunRow], numbers: Numbers) -> CellSummary:
    statuses = _count(runs)
    finished = statuses.get("done", 0) + statuses.get("diverged", 0)
    return CellSummary(
        columns=columns,
        statuses=statuses,
        diverged=wilson(statuses.get("diverged", 0), finished) if finished else None,
        metrics=_summaries([numbers[run.run_id] for run in runs if run.run_id in numbers]),
        outcomes=outcomes(runs),
    )


def _rule_text(rule: OutcomeRule, manifest: Manifest) -> str:
    """`good where hq at least 0.5, diverse where modes at least 7, judged by most of the last 20% of the marks`."""
    parts = [
        f"{name} where {' and '.join(_condition_text(condition, manifest) for condition in conditions)}"
        for name, conditions in (("good", rule.good), ("diverse", rule.diverse))
        if conditions
    ]
    when = f"by most of the last {rule.tail:.0%} of the marks" if rule.tail else "at the last mark"
    return f"{', '.join(parts)}, judged {when}"


def _condition_text(condition: Condition, manifest: Manifest) -> str:
    """`fd at most 30 and no more than 2 times worse than its best`."""
    own, higher = condition.thresholds, manifest.metrics[condition.metric].better == "higher"
    limit = [] if own.limit is None else [f"at {'least' if higher else 'most'} {own.limit:g}"]
    ratio = [] if own.ratio is None else [f"no more than {own.ratio:g} times worse than its best"]
    drop = [] if own.drop is None else [f"no more than {own.drop:g} worse than its best"]
    return f"{condition.metric} {' and '.join((*limit, *ratio, *drop))}"


def _by_run(numbers: pd.DataFrame) -> Numbers:
    by_run: Numbers = {}
    columns = (numbers[name].tolist() for name in ("run_id", "metric", "headline", *NUMBERS))
    for run_id, metric, *values in zip(*columns, strict=True):
        by_run.setdefault(run_id, {})[metric] = tuple(values)
    return by_run


def _summaries(runs: Sequence[Mapping[str, tuple[float, ...]]]) -> dict[str, MetricSummary]:
    """A cell's metrics over its runs."""
    summaries = {}
    for metric in dict.fromkeys(name for run in runs for name in run):
        columns = zip(*(run[metric] for run in runs if metric in run), strict=True)
        known = [tuple(value for value in column if not isnan(value)) for column in columns]
        intervals = {values: mean_interval(values) for values in known if values}  # the headline often equals another
        summaries[metric] = MetricSummary(*map(intervals.get, known))
    return summaries


def _failures(store: Store, runs: pd.DataFrame) -> tuple[Failure, ...]:
    """Failed and damaged runs, those with the same error together."""
    groups: dict[str, list[tuple[str, str]]] = {}
    broken = runs[runs["status"].isin(["failed", "damaged"])]
    for run_id, error in zip(broken["run_id"], map(str, broken["error"]), strict=True):
        alike = re.sub(r"\d[\d.e+-]*", "#", error.replace(run_id, "RUN"))
        groups.setdefault(alike, []).append((run_id, error))
    return tuple(
        Failure(group[0][1], tuple(run_id for run_id, _ in group), tuple(store.run(group[0][0]).log_end()))
        for group in groups.values()
    )


def _count(runs: Iterable[RunRow]) -> dict[str, int]:
    counts = Counter(run.status for run in runs)
    return {name: counts[name] for name in STATUSES if name in counts}
