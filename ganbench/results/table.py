"""The tidy table of a suite: one row per run, step and metric, read from the run folders that its manifest names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import pandas as pd

from ganbench.errors import DamagedRun
from ganbench.evaluators.base import declared_metric
from ganbench.results.manifest import read_manifest

if TYPE_CHECKING:
    from ganbench.results.manifest import Columns, Manifest
    from ganbench.results.store import Row, RunFolder, Store

    Measured = tuple[int, str, float, float, int, int]  # step, metric, value, stderr, n, number of the fingerprint

COMPONENTS = ("variant", "dataset", "network", "batchnorm", "optimizer")
COLUMNS = ("run_id", "suite", *COMPONENTS, "seed", "status", "step", "metric", "value", "stderr", "n")
OPTIONAL = ("schedule", "batch", "steps")  # appended to the columns when they are axes of the suite

_SCORES = {
    "run_id": "str",
    "step": "Int64",
    "metric": "str",
    "value": "float64",
    "stderr": "float64",
    "n": "Int64",
    "fingerprint": "int64",
}


@dataclass(frozen=True)
class Results:
    """What a suite asked for and what its run folders hold now.

    `runs`: one row a run in the suite's order: `run_id`, the manifest's columns, `status` (done, diverged, failed,
    running, missing, damaged) and `error` (why it failed or can't be believed; empty otherwise).
    `scores`: `run_id step metric value stderr n fingerprint`, only what the suite asked for, the newest of duplicates;
    `fingerprint` counts into `fingerprints`, where the evaluator and the sample sizes are written in.
    `marks` leaves out those that a run left out for the budget; `evaluation_share`: of the finished runs' wall time.
    `ended`: the step and the seconds of each run that was started; `environments`: the different ones that the runs
    record, as JSON, with how many runs each, the commonest first.
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


@dataclass(frozen=True)
class Run:
    """What a run folder holds: how it stands, its scores, its marks and its seconds (of evaluation, of all)."""

    status: str
    error: str = ""
    scores: tuple[Measured, ...] = ()
    skipped_marks: frozenset[int] = frozenset()
    seconds: tuple[float, float] = (0.0, 0.0)
    ended: tuple[int, float] | None = None
    environment: str = ""  # JSON


@dataclass(frozen=True)
class RequestedScores:
    """The scores that a suite asks for, and the fingerprints seen so far, numbered in the order in which they came."""

    evaluators: frozenset[str]
    metrics: frozenset[str]
    fingerprints: dict[frozenset[tuple[str, str]], int] = field(default_factory=dict)
    _last: dict[tuple[str, ...], tuple[dict[str, str], int]] = field(default_factory=dict)

    def fingerprint(self, row: Row) -> int:
        """The number of a row's fingerprint, to which the evaluator's options and the sample sizes belong."""
        sizes = {"evaluator": row["evaluator"], "n_reference": str(row["n_reference"])}
        if declared_metric(row["metric"]) == row["metric"]:  # how many of a run's samples are of one class is chance
            sizes["n"] = str(row["n"])
        key = tuple(sizes.values())
        last = self._last.get(key)
        if last is None or last[0] != row["fingerprint"]:  # nearly every row is measured as the one before it
            number = self.fingerprints.setdefault(
                frozenset((row["fingerprint"] | sizes).items()), len(self.fingerprints)
            )
            self._last[key] = last = (row["fingerprint"], number)
        return last[1]


def tidy(store: Store, suite: str) -> pd.DataFrame:
    """The tidy table of a suite (see `tidy_table`). Raises `RequestError` when the suite never ran here."""
    return tidy_table(read(store, suite))


def tidy_table(results: Results) -> pd.DataFrame:
    """Columns `COLUMNS`, then those of `OPTIONAL` that are axes; sorted, without any wall-clock value.

    Component columns hold the component's notation. A run without a score has one row with nothing in `step`, `metric`,
    `value`, `stderr` and `n`, so that it is seen.
    """
    axes = [name for name in OPTIONAL if name in results.manifest.axes]
    table = results.runs.merge(results.scores, on="run_id", how="left").assign(suite=results.suite)
    order = [*COMPONENTS, *axes, "seed", "run_id", "step", "metric"]
    return table.sort_values(order, ignore_index=True)[[*COLUMNS, *axes]]


def read(store: Store, suite: str) -> Results:
    """Read a suite's runs. A run that can't be believed is `damaged` and brings no score."""
    manifest = read_manifest(store, suite)
    asked = RequestedScores(frozenset(manifest.scores), frozenset(manifest.metrics))
    marks = {run_id: frozenset(steps) for run_id, steps in manifest.marks.items()}
    found = {run_id: _read_run(store.run(run_id), asked, own) for run_id, own in marks.items()}
    evaluation, total = (sum(run.seconds[i] for run in found.values()) for i in (0, 1))
    return Results(
        suite,
        manifest,
        {run_id: tuple(sorted(marks[run_id] - run.skipped_marks)) for run_id, run in found.items()},
        _runs(found, manifest.runs),
        _scores((run_id, *score) for run_id, run in found.items() for score in run.scores),
        tuple(dict(sorted(items)) for items in asked.fingerprints),
        evaluation / total if total else None,
        {run_id: run.ended for run_id, run in found.items() if run.ended},
        _environments(run.environment for run in found.values() if run.environment),
    )


def _runs(found: dict[str, Run], described: Mapping[str, Columns]) -> pd.DataFrame:
    rows = [
        {"run_id": run_id, **described[run_id], "status": run.status, "error": run.error}
        for run_id, run in found.items()
    ]
    return pd.DataFrame(rows, columns=None if rows else ["run_id", *COMPONENTS, *OPTIONAL, "seed", "status", "error"])


def _scores(rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    columns = tuple(zip(*rows, strict=True)) or ((),) * len(_SCORES)
    return pd.DataFrame(dict(zip(_SCORES, columns, strict=True))).astype(_SCORES)


def _environments(recorded: Iterable[str]) -> tuple[tuple[int, str], ...]:
    return tuple((count, json.dumps(json.loads(text), indent=1)) for text, count in Counter(recorded).most_common())


def _read_run(folder: RunFolder, asked: RequestedScores, marks: frozenset[int]) -> Run:
    """How a run stands, and the scores that the suite asked for."""
    try:
        state, rows = folder.checked("scores.jsonl")
        if state is None:
            return Run("missing")
        scores = tuple(_measured(folder, rows["scores.jsonl"], asked, marks))
        skipped_marks = frozenset(state.skipped_marks) - {step for step, *_ in scores}
        environment = folder.read_json("env.json") or {}
        pack = environment.get("pack", 1)  # its seconds are those of the whole pack
        seconds = (state.evaluation_seconds, state.seconds / pack) if state.finished else (0.0, 0.0)
        text = json.dumps(environment) if environment else ""
        return Run(state.status, state.error or "", scores, skipped_marks, seconds, (state.step, state.seconds), text)
    except DamagedRun as damage:
        return Run("damaged", str(damage))


def _measured(folder: RunFolder, rows: list[Row], asked: RequestedScores, marks: frozenset[int]) -> list[Measured]:
    """The newest score of each step and metric that the suite asked for: rows are appended, so the last one."""
    newest: dict[tuple[int, str], Row] = {}
    try:
        for row in rows:
            step, metric = row["step"], row["metric"]
            if row["evaluator"] in asked.evaluators and step in marks and declared_metric(metric) in asked.metrics:
                newest[step, metric] = row
        return [_score(row, asked) for row in newest.values()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        place = str(folder.path / "scores.jsonl")
        raise DamagedRun(place, f"damaged: a row is no score, {error!r}", todo="the run is done again") from None


def _score(row: Row, asked: RequestedScores) -> Measured:
    stderr = nan if row["stderr"] is None else float(row["stderr"])
    value = float(row["value"])
    if not isfinite(value):
        raise ValueError(f"{row['metric']} = {value}")
    return row["step"], row["metric"], value, stderr, int(row["n"]), asked.fingerprint(row)
