"""The record of a run for MLflow, read from the run's folder. It uses the terms of MLflow, but does not import it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ganbench.results.content import RunContent
from ganbench.results.files import is_own_file
from ganbench.results.manifest import Manifest
from ganbench.results.store import RunFolder, State
from ganbench.spec import NONE, all_columns, canonical_json, flattened

MetricStep = tuple[str, int]  # a metric's name and a step
MlflowStatus = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
LONGEST = 6000  # the number of characters that MLflow keeps of a parameter
LONGEST_DATASET = 500  # and of a dataset's name
OUTCOME = "ganbench.outcome"
RUN_ID = "ganbench.run_id"  # the tag that identifies a run
SUITE = "ganbench.suite"


@dataclass(frozen=True)
class DatasetRecord:
    """The training data of a run: their notation, the hash of their component with its options, and these as JSON."""

    name: str
    digest: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """A run of a suite in the terms of MLflow. Times are Unix milliseconds."""

    run_id: str
    status: MlflowStatus
    start: int
    end: int
    columns: dict[str, str]  # the run's value on each axis, as tables show it
    dataset: DatasetRecord | None  # None for a run that failed before it was begun
    params: dict[str, str]  # the flattened spec and the columns
    tags: dict[str, str]
    metrics: dict[MetricStep, tuple[float, int]]  # value and time
    artifacts: dict[str, Path]  # path in MLflow -> file
    seal: str | None  # hash of the state that sealed the rows; None while the run is in progress

    @property
    def cell(self) -> str:
        """The id of the run's cell: a hash of its columns without the seed."""
        return _hash({name: value for name, value in self.columns.items() if name != "seed"})

    @property
    def cell_name(self) -> str:
        """The cell for people, such as `lsgan, digits, bn discriminator, adam`."""
        shown = {"variant": "", "penalty": "", "dataset": "", "batchnorm": "bn ", "optimizer": "", "precision": ""}
        values = ((prefix, self.columns.get(name, NONE)) for name, prefix in shown.items())
        return ", ".join(f"{prefix}{value}" for prefix, value in values if value != NONE)

    def digest(self) -> str:
        """A hash of everything except the times, so that rows which a resumed run writes again are the same rows."""
        values = sorted([name, step, value] for (name, step), (value, _) in self.metrics.items())
        sizes = {name: path.stat().st_size for name, path in self.artifacts.items()}
        return _hash([self.status, self.params, self.tags, values, sizes])


def read_record(folder: RunFolder, suite: str, manifest: Manifest | None = None, *, live: bool) -> Record | None:
    """The record of a folder, of the rows that count; None for a run that was never started. Raises `DamagedRun`.

    `manifest`: that of the suite, whose rule gives the outcome of a run that is done; without a rule it is `completed`.
    An unfinished run is RUNNING while it is watched `live` or another process is filling it, otherwise KILLED.
    """
    content = folder.read()
    if content is None:
        return None
    saved, state, metrics = folder.spec(), content.state, _metrics(content)
    spec, columns = saved.get("spec", {}), {name: str(value) for name, value in saved.get("columns", {}).items()}
    times = [time for _, time in metrics.values()]
    start = min(times, default=_milliseconds((folder.path / "state.json").stat().st_mtime))
    return Record(
        run_id=folder.run_id,
        status=_status(folder, state, live),
        start=start,
        end=max(times, default=start),
        columns=columns,
        dataset=_dataset(spec, columns),
        params=_flat(spec) | {name: value[:LONGEST] for name, value in columns.items()},
        tags=_tags(content, suite) | _outcome(content, manifest) | _axes(saved),
        metrics=metrics,
        artifacts=_artifacts(folder),
        seal=seal(state),
    )


def seal(state: State | None) -> str | None:
    """A hash that changes with every change of a run that ended; None while the run is in progress."""
    return None if state is None or state.status == "running" else _hash(asdict(replace(state, scored={})))


def _status(folder: RunFolder, state: State, live: bool) -> MlflowStatus:
    if state.status == "running":
        return "RUNNING" if live or folder.busy() else "KILLED"
    return "FAILED" if state.status == "failed" else "FINISHED"


def _tags(content: RunContent, suite: str) -> dict[str, str]:
    state, env = content.state, content.environment()
    tags = {
        RUN_ID: content.path.name,
        SUITE: suite,
        "ganbench.state": state.status,
        "ganbench.device": env.get("device"),
        "ganbench.diverged_step": state.diverged["step"] if state.diverged else None,
        "ganbench.diverged_term": state.diverged["term"] if state.diverged else None,
        "ganbench.error": state.error,
        "mlflow.source.name": "ganbench",
        "mlflow.source.type": "LOCAL",
    }
    git = env.get("git") or {}  # of the checkout that ganbench runs from; an installed package has none
    tags |= {f"mlflow.source.git.{name}": git.get(name) for name in ("commit", "dirty")}
    return {name: str(value)[:LONGEST] for name, value in tags.items() if value is not None}


def _axes(saved: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in all_columns(saved.get("columns", {})).items()}


def _dataset(spec: dict[str, Any], columns: dict[str, str]) -> DatasetRecord | None:
    if "dataset" not in spec or "dataset" not in columns:
        return None
    body = canonical_json(spec["dataset"])
    return DatasetRecord(columns["dataset"][:LONGEST_DATASET], _hash(spec["dataset"]), body)


def _outcome(content: RunContent, manifest: Manifest | None) -> dict[str, str]:
    """The tags with a run's outcome and, if it collapsed, the step; none for a run in progress."""
    state, run_id = content.state, content.path.name
    if state.status == "running":
        return {}
    columns = manifest.runs.get(run_id) if manifest else None
    rule = manifest.questions.outcome.get(str(columns["dataset"])) if manifest and columns else None
    if manifest is None or rule is None:
        return {OUTCOME: "completed" if state.status == "done" else state.status}
    curves: dict[str, dict[int, float]] = {}
    for row in content.scores():  # of several scores at a step the newest counts
        if row["evaluator"] in manifest.scores:
            curves.setdefault(row["metric"], {})[row["step"]] = float(row["value"])
    steps = sorted(set(manifest.marks[run_id]) - set(state.skipped_marks))
    ending = rule.ending(state.status, steps, curves, manifest.ranked_metrics())
    collapsed = {"ganbench.collapsed_step": str(ending.step)} if ending and ending.step is not None else {}
    return {OUTCOME: ending.kind if ending else state.status} | collapsed


def _metrics(content: RunContent) -> dict[MetricStep, tuple[float, int]]:
    metrics: dict[MetricStep, tuple[float, int]] = {}
    for terms in content.terms():
        for term, value in terms["terms"].items():
            if value is not None:
                metrics[_name(f"terms/{term}"), terms["step"]] = (float(value), _milliseconds(terms["time"]))
    for score in content.scores():
        metrics[_name(score["metric"]), score["step"]] = (float(score["value"]), _milliseconds(score["time"]))
    return metrics


def _artifacts(folder: RunFolder) -> dict[str, Path]:
    files = {name: folder.path / name for name in ("spec.json", "env.json")}
    files |= {f"samples/{path.name}": path for path in sorted((folder.path / "samples").glob("[!.]*.png"))}
    return {name: path for name, path in files.items() if is_own_file(folder.path, path)}


def _flat(spec: Mapping[str, Any]) -> dict[str, str]:
    """A nested mapping as dotted names and short texts. A list is one value, as JSON."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in flattened(spec)}
    return {_name(name): text[:LONGEST] for name, text in texts.items()}


def _name(text: str) -> str:
    """A name for MLflow, which allows letters, digits and `_-. :/` only."""
    return re.sub(r"[^\w\-. :/]", "_", text)


def _milliseconds(seconds: float) -> int:
    """Unix milliseconds; a time before 1970, which MLflow refuses, is 1970."""
    return max(0, int(seconds * 1000))


def _hash(body: Any) -> str:
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()[:16]
