"""The tidy table of a suite: one row per run, step and metric, read from the run folders that its manifest names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import TYPE_CHECKING

import pandas as pd

from ganbench.errors import DamagedRun
from ganbench.evaluators.base import declared_metric
from ganbench.results.content import damaged
from ganbench.results.manifest import read_manifest
from ganbench.results.state import pack_size

if TYPE_CHECKING:
    from ganbench.results.content import RunContent
    from ganbench.results.manifest import Columns, Manifest
    from ganbench.results.state import ScoreRow
    from ganbench.results.store import RunFolder, Store

    Measured = tuple[int, str, float, float, int, int]  # step, metric, value, stderr, n, number of the fingerprint

COMPONENTS = ("variant", "dataset", "network", "batchnorm", "optimizer")
COLUMNS = ("run_id", "suite", *COMPONENTS, "seed", "status", "step", "metric", "value", "stderr", "n")
# Appended to the columns when they are axes of the suite.
OPTIONAL = ("penalty", "augment", "schedule", "batch", "steps", "precision")
LARGEST = 1e70  # of a score; float64 still holds the fourth powers that statistics need
OF_ONE_RUN = ("engine_job", "memory")  # what runs on equal machines do not share of their environments
TOO_LARGE = f"its value is beyond {LARGEST:g}, where float64 holds no variance"

_SCORES = {
    "run_id": "str",
    "step": "Int64",
    "metric": "str",
    "value": "float64",
    "stderr": "float64",
    "n": "Int64",
    "fingerprint": "int64",
}


_TERMS = {"run_id": "str", "step": "int64", "term": "str", "value": "float64"}


@dataclass(frozen=True)
class AbsentMetric:
    """A metric that some runs lack at some mark, and why; the evaluator's name where all its metrics are absent."""

    name: str
    because: str
    runs: tuple[str, ...]


@dataclass(frozen=True)
class Results:
    """A suite's manifest and the content of its run folders.

    `runs`: a row for each run in the suite's order: `run_id`, the manifest's columns, `status` (done, diverged, failed,
    running, missing, damaged) and `error` (why the run failed or is damaged, otherwise empty).
    `scores`: `run_id step metric value stderr n fingerprint` of the scores that the suite asks for, without older
    duplicates. `fingerprint` is an index into `fingerprints`, which include the evaluator and the sample sizes.
    `marks`: without those that a run left out for the budget. `evaluation_share`: of the finished runs' wall time.
    `ended`: the step and the seconds of each run that was started. `environments`: each different environment of the
    runs as JSON, with the number of its runs, the commonest first.
    """

    suite: str
    manifest: Manifest
    marks: dict[str, tuple[int, ...]]  # the steps at which each run was to be scored, in order
    runs: pd.DataFrame
    scores: pd.DataFrame
    fingerprints: tuple[dict[str, str], ...]
    evaluation_share: float | None = None
    ended: dict[str, tuple[int, float]] = field(default_factory=dict)
    environments: tuple[tuple[int, str], ...] = ()
    absent: tuple[AbsentMetric, ...] = ()

    @property
    def damage(self) -> list[str]:
        """What is damaged and what to do: a sentence for each damaged run."""
        return [str(error) for error in self.runs.loc[self.runs["status"] == "damaged", "error"]]


@dataclass(frozen=True)
class ReadRun:
    """The content of a run folder. `seconds`: of evaluation, and in all."""

    status: str
    error: str = ""
    scores: tuple[Measured, ...] = ()
    skipped_marks: frozenset[int] = frozenset()
    seconds: tuple[float, float] = (0.0, 0.0)
    ended: tuple[int, float] | None = None
    environment: str = ""  # JSON
    absent: tuple[tuple[str, str], ...] = ()  # metrics or evaluators without a score, with the reasons


@dataclass(frozen=True)
class RequestedScores:
    """The scores that a suite asks for, and the fingerprints seen so far, numbered in order of appearance."""

    evaluators: frozenset[str]
    metrics: frozenset[str]
    fingerprints: dict[frozenset[tuple[str, str]], int] = field(default_factory=dict)
    _last: dict[tuple[str, int | None, int | None], tuple[dict[str, str], int]] = field(default_factory=dict)

    def fingerprint(self, row: ScoreRow) -> int:
        """The number of a row's fingerprint, which includes the evaluator's options and the sample sizes."""
        of_all = declared_metric(row["metric"]) == row["metric"]  # a run's number of samples in one class is random
        key = (row["evaluator"], row["n_reference"], row["n"] if of_all else None)
        last = self._last.get(key)
        if last is None or last[0] != row["fingerprint"]:  # nearly every row has the fingerprint of the row before it
            sizes = {"evaluator": key[0], "n_reference": str(key[1])} | ({"n": str(row["n"])} if of_all else {})
            number = self.fingerprints.setdefault(
                frozenset((row["fingerprint"] | sizes).items()), len(self.fingerprints)
            )
            self._last[key] = last = (row["fingerprint"], number)
        return last[1]


def tidy(store: Store, suite: str) -> pd.DataFrame:
    """The tidy table of a suite (see `tidy_table`). Raises `RequestError` if the suite never ran here."""
    return tidy_table(read_results(store, suite))


def tidy_table(results: Results) -> pd.DataFrame:
    """Columns `COLUMNS`, then those of `OPTIONAL` that are axes; sorted, without any wall-clock value.

    Component columns hold the component's notation. A run without a score has one row in which `step`, `metric`,
    `value`, `stderr` and `n` are empty.
    """
    axes = [name for name in OPTIONAL if name in results.manifest.axes]
    table = results.runs.merge(results.scores, on="run_id", how="left").assign(suite=results.suite)
    order = [*COMPONENTS, *axes, "seed", "run_id", "step", "metric"]
    return table.sort_values(order, ignore_index=True)[[*COLUMNS, *axes]]


def term_table(store: Store, suite: str) -> pd.DataFrame:
    """The training curves of a suite: a row for each run, step and term, in the suite's order.

    Columns: `run_id`, `step` (int64), `term` (`d/real`, `g/fake`, or of the health record), and `value` (float64), the
    mean of the term since the row before; missing where it was not finite. Damaged runs and runs that have not begun
    have no row. Raises `RequestError` if the suite never ran here.
    """
    rows: list[tuple[str, int, str, float]] = []
    for run_id in read_manifest(store, suite).runs:
        try:
            content = store.run(run_id).read()
            curves = content.terms() if content else []
        except DamagedRun:
            continue
        rows += [
            (run_id, row["step"], term, nan if value is None else float(value))
            for row in curves
            for term, value in row["terms"].items()
        ]
    return pd.DataFrame(rows, columns=list(_TERMS)).astype(_TERMS)


def read_results(store: Store, suite: str) -> Results:
    """Read a suite's runs. A run with a damaged file has the status `damaged` and no scores.

    Raises `RequestError` if the suite never ran here.
    """
    manifest = read_manifest(store, suite)
    requested = RequestedScores(frozenset(manifest.scores), frozenset(manifest.metrics))
    marks = {run_id: frozenset(steps) for run_id, steps in manifest.marks.items()}
    runs = {run_id: _read_run(store.run(run_id), requested, steps) for run_id, steps in marks.items()}
    evaluation, total = (sum(run.seconds[i] for run in runs.values()) for i in (0, 1))
    return Results(
        suite,
        manifest,
        {run_id: tuple(sorted(marks[run_id] - run.skipped_marks)) for run_id, run in runs.items()},
        _runs(runs, manifest.runs),
        _scores(runs),
        tuple(dict(sorted(items)) for items in requested.fingerprints),
        evaluation / total if total else None,
        {run_id: run.ended for run_id, run in runs.items() if run.ended},
        _environments(run.environment for run in runs.values() if run.environment),
        _absent(runs),
    )


def _absent(runs: Mapping[str, ReadRun]) -> tuple[AbsentMetric, ...]:
    """What is absent: each metric and reason once, with its runs."""
    owners: dict[tuple[str, str], list[str]] = {}
    for run_id, run in runs.items():
        for item in run.absent:
            owners.setdefault(item, []).append(run_id)
    return tuple(AbsentMetric(name, because, tuple(own)) for (name, because), own in owners.items())


def _runs(runs: Mapping[str, ReadRun], columns: Mapping[str, Columns]) -> pd.DataFrame:
    rows = [
        {"run_id": run_id, **columns[run_id], "status": run.status, "error": run.error} for run_id, run in runs.items()
    ]
    return pd.DataFrame(rows, columns=None if rows else ["run_id", *COMPONENTS, *OPTIONAL, "seed", "status", "error"])


def _scores(runs: Mapping[str, ReadRun]) -> pd.DataFrame:
    run_ids = [run_id for run_id, run in runs.items() for _ in run.scores]
    scores = zip(*(score for run in runs.values() for score in run.scores), strict=True)
    columns = (run_ids, *scores) if run_ids else ((),) * len(_SCORES)
    return pd.DataFrame(dict(zip(_SCORES, columns, strict=True))).astype(_SCORES)


def _environments(recorded: Iterable[str]) -> tuple[tuple[int, str], ...]:
    return tuple((count, json.dumps(json.loads(text), indent=1)) for text, count in Counter(recorded).most_common())


def _read_run(folder: RunFolder, requested: RequestedScores, marks: frozenset[int]) -> ReadRun:
    """A run with the scores that the suite asks for."""
    try:
        content = folder.read()
        if content is None:
            return ReadRun("missing")
        state, measured = content.state, tuple(_measured(content, requested, marks))
        scores = tuple(score for score in measured if abs(score[2]) <= LARGEST)
        too_large = ((score[1], TOO_LARGE) for score in measured if abs(score[2]) > LARGEST)
        skipped_marks = frozenset(state.skipped_marks) - {step for step, *_ in measured}
        environment = content.environment()
        size = pack_size(environment)  # the seconds are those of the whole pack
        seconds = (state.evaluation_seconds, state.seconds / size) if state.finished else (0.0, 0.0)
        pack = {"pack": size} if "pack" in environment else {}
        same = {name: value for name, value in (environment | pack).items() if name not in OF_ONE_RUN}
        text = json.dumps(same) if same else ""
        own = (row for row in content.absent() if row["evaluator"] in requested.evaluators)
        reasons = ((row["metric"] or row["evaluator"], row["because"]) for row in own)
        absent = tuple(dict.fromkeys((*reasons, *too_large)))
        ended = (state.step, state.seconds)
        return ReadRun(state.status, state.error or "", scores, skipped_marks, seconds, ended, text, absent)
    except DamagedRun as damage:
        return ReadRun("damaged", str(damage))


def _measured(content: RunContent, requested: RequestedScores, marks: frozenset[int]) -> list[Measured]:
    """The newest score of each step and metric that the suite asks for. Rows are appended, so it is the last row."""
    newest: dict[tuple[int, str], ScoreRow] = {}
    try:
        for row in content.scores():
            step, metric = row["step"], row["metric"]
            is_requested = row["evaluator"] in requested.evaluators and declared_metric(metric) in requested.metrics
            if is_requested and step in marks:
                newest[step, metric] = row
        return [_score(row, requested) for row in newest.values()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(content.path / "scores.jsonl", f"a row is not a score, {error!r}") from None


def _score(row: ScoreRow, requested: RequestedScores) -> Measured:
    stderr = nan if row["stderr"] is None else float(row["stderr"])
    value = float(row["value"])
    if not isfinite(value):
        raise ValueError(f"{row['metric']} = {value}")
    return row["step"], row["metric"], value, stderr, int(row["n"]), requested.fingerprint(row)
