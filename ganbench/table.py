"""The tidy table of a suite: one row per run, step and metric, read from the run folders that its manifest names."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import pandas as pd

from ganbench.errors import DamagedRun, RequestError

if TYPE_CHECKING:
    from ganbench.store import Row, RunFolder, Store

    Fingerprint = frozenset[tuple[str, str]]
    Measured = tuple[int, str, float, float, int, Fingerprint]  # step, metric, value, stderr, n

COMPONENTS = ("variant", "dataset", "network", "batchnorm", "optimizer")
COLUMNS = ("run_id", "suite", *COMPONENTS, "seed", "status", "step", "metric", "value", "stderr", "n")
OPTIONAL = ("schedule", "batch", "steps")  # appended to the columns when they are axes of the suite
MANIFEST = ("about", "runs", "excluded", "evaluation", "metrics", "select", "axes", "marks")

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
    """

    suite: str
    manifest: dict[str, Any]
    marks: dict[str, tuple[int, ...]]  # the steps at which each run was to be scored, in order
    runs: pd.DataFrame
    scores: pd.DataFrame
    fingerprints: tuple[dict[str, str], ...]
    evaluation_share: float | None = None


@dataclass(frozen=True)
class Run:
    """What a run folder holds: how it stands, its scores, its marks and its seconds (of evaluation, of all)."""

    status: str
    error: str = ""
    scores: tuple[Measured, ...] = ()
    thinned: frozenset[int] = frozenset()
    seconds: tuple[float, float] = (0.0, 0.0)


def tidy(store: Store, suite: str) -> pd.DataFrame:
    """The tidy table of a suite (see `tidy_table`). Raises `RequestError` when the suite never ran here."""
    return tidy_table(read(store, suite))


def tidy_table(results: Results) -> pd.DataFrame:
    """Columns `COLUMNS`, then those of `OPTIONAL` that are axes; sorted, without any wall-clock value.

    Component columns hold the component's notation. A run without a score has one row with nothing in `step`, `metric`,
    `value`, `stderr` and `n`, so that it is seen.
    """
    axes = [name for name in OPTIONAL if name in results.manifest["axes"]]
    table = results.runs.merge(results.scores, on="run_id", how="left").assign(suite=results.suite)
    order = [*COMPONENTS, *axes, "seed", "run_id", "step", "metric"]
    return table.sort_values(order, ignore_index=True)[[*COLUMNS, *axes]]


def read(store: Store, suite: str) -> Results:
    """Read a suite's runs. A run that can't be believed is `damaged` and brings no score."""
    manifest = _manifest(store, suite)
    runs: list[dict[str, Any]] = []
    scores: list[tuple[Any, ...]] = []
    fingerprints: dict[Fingerprint, int] = {}
    found = {run_id: _read_run(store.run(run_id), manifest) for run_id in manifest["runs"]}
    for run_id, run in found.items():
        runs.append({"run_id": run_id} | manifest["runs"][run_id] | {"status": run.status, "error": run.error})
        for *numbers, fingerprint in run.scores:
            scores.append((run_id, *numbers, fingerprints.setdefault(fingerprint, len(fingerprints))))
    evaluation, total = (sum(run.seconds[i] for run in found.values()) for i in (0, 1))
    return Results(
        suite,
        manifest,
        {run_id: tuple(sorted({*manifest["marks"][run_id]} - run.thinned)) for run_id, run in found.items()},
        pd.DataFrame(runs, columns=None if runs else ["run_id", *COMPONENTS, *OPTIONAL, "seed", "status", "error"]),
        pd.DataFrame(scores, columns=list(_SCORES)).astype(_SCORES),
        tuple(dict(sorted(items)) for items in fingerprints),
        evaluation / total if total else None,
    )


def _manifest(store: Store, suite: str) -> dict[str, Any]:
    manifest = store.manifest(suite)
    absent = [key for key in MANIFEST if key not in manifest]
    if absent:
        place = str(store.root / "suites" / f"{suite}.json")
        raise RequestError(place, f"damaged: no {', '.join(absent)}", todo="type `ganbench run` for it again")
    return manifest


def _read_run(folder: RunFolder, manifest: dict[str, Any]) -> Run:
    """How a run stands, and the scores that the suite asked for."""
    try:
        state = folder.check()
        if state is None:
            return Run("missing")
        scores = tuple(_asked(folder, manifest))
        thinned = frozenset(state.thinned) - {step for step, *_ in scores}
        pack = (folder.read_json("env.json") or {}).get("pack", 1)  # its seconds are those of the whole pack
        seconds = (state.evaluation_seconds, state.seconds / pack) if state.finished else (0.0, 0.0)
        return Run(state.status, state.error or "", scores, thinned, seconds)
    except DamagedRun as damage:
        return Run("damaged", str(damage))


def _asked(folder: RunFolder, manifest: dict[str, Any]) -> list[Measured]:
    """The newest score of each step and metric that the suite asked for: rows are appended, so the last one."""
    evaluators, marks = set(manifest["evaluation"]["with"]), set(manifest["marks"][folder.run_id])
    newest: dict[tuple[int, str], Row] = {}
    try:
        for row in folder.rows("scores.jsonl"):
            declared = row["metric"].partition("/")[0] in manifest["metrics"]  # `NAME/class 3` is a part of NAME
            if row["evaluator"] in evaluators and row["step"] in marks and declared:
                newest[row["step"], row["metric"]] = row
        return [_measured(row) for row in newest.values()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        place = str(folder.path / "scores.jsonl")
        raise DamagedRun(place, f"damaged: a row is no score, {error!r}", todo="the run is done again") from None


def _measured(row: Row) -> Measured:
    """A score and how it was measured: the evaluator's options and the sample sizes belong to the fingerprint."""
    sizes = {"evaluator": row["evaluator"], "n_reference": str(row["n_reference"])}
    if "/" not in row["metric"]:  # how many of a run's samples are of one class is chance
        sizes["n"] = str(row["n"])
    stderr = nan if row["stderr"] is None else float(row["stderr"])
    value = float(row["value"])
    if not isfinite(value):
        raise ValueError(f"{row['metric']} = {value}")
    return row["step"], row["metric"], value, stderr, int(row["n"]), frozenset((row["fingerprint"] | sizes).items())
