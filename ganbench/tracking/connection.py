"""A connection to an MLflow store, and the runs in it."""

from __future__ import annotations

import sqlite3
import textwrap
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ganbench.errors import RequestError
from ganbench.results.manifest import Manifest, read_manifest
from ganbench.results.store import RunFolder, Store
from ganbench.tracking import marker
from ganbench.tracking.cells import PARENT, ParentRuns
from ganbench.tracking.client import client_of
from ganbench.tracking.place import artifact_location, without_secrets
from ganbench.tracking.record import RUN_ID, MetricStep, Record, read_record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MIRRORED = "ganbench.mirrored"  # the tag with the digest of a record that is mirrored completely


@dataclass
class MirroredRun:
    """The content of a run in MLflow, as far as this process knows."""

    mlflow_id: str
    status: str
    params: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[MetricStep, float] = field(default_factory=dict)
    artifacts: dict[str, int | None] = field(default_factory=dict)  # path -> bytes
    dataset: bool = False  # whether it names its training data
    complete: bool = False  # whether everything was mirrored before; a file may have been lost since

    def contradicts(self, record: Record) -> bool:
        """Whether a value differs from the files, or a finished run has too many: the run was repeated with others."""
        names = {name for name, _ in record.metrics}
        extra = any(point[0] in names and point not in record.metrics for point in self.metrics)
        differs = any(self.metrics.get(point, value) != value for point, (value, _) in record.metrics.items())
        return differs or (extra and record.status == "FINISHED")


@dataclass(frozen=True)
class Added:
    """What was missing in MLflow: values of metrics, and files of a run that had been mirrored completely."""

    metrics: int = 0
    restored: int = 0


class Connection:
    """Mirrors the runs of a results folder to the MLflow store at `uri`. A method may raise any exception of MLflow.

    Two connections must not mirror a run of a suite at the same time; hold `marker.claim`.
    """

    def __init__(self, store: Store, uri: str, patience: int) -> None:
        """`patience`: seconds that a request to a server may take, unless the environment sets another limit."""
        self._store, self._uri = store, uri
        self._manifests: dict[str, Manifest] = {}
        self.client = client_of(store, uri, patience)
        self._experiments: dict[str, str] = {}
        self._parents = ParentRuns(self.client, store)
        self._mirrored: dict[tuple[str, str], MirroredRun] = {}  # runs in progress

    def mirror_run(self, folder: RunFolder, suite: str, *, live: bool = False) -> Added:
        """Log what MLflow lacks of a run. A second call adds nothing.

        A run that no process is filling becomes KILLED, unless it is watched `live`. Raises `DamagedRun`.
        """
        record = read_record(folder, suite, self._manifest(suite), live=live)
        if record is None:
            return Added()
        # The entry is removed until the push succeeds, because a failed request may have been carried out.
        mirrored = self._mirrored.pop((suite, record.run_id), None) or self._find(record, suite)
        if mirrored.contradicts(record):
            self.client.delete_run(mirrored.mlflow_id)
            mirrored = self._create(record, suite)
        added = self._push(record, mirrored, self._experiment(suite))
        if record.seal:
            marker.mark(folder, self._uri, record, suite)
        elif live:
            self._mirrored[suite, record.run_id] = mirrored
        return added

    def log_system(self, run_id: str, suite: str, load: Mapping[str, float]) -> None:
        """Log the load of the machine for a run that is mirrored and in progress. The step is the Unix time."""
        from mlflow.entities import Metric

        mirrored = self._mirrored.get((suite, run_id))
        if mirrored:
            now = time.time()
            metrics = [Metric(name, value, int(now * 1000), int(now)) for name, value in load.items()]
            self.client.log_batch(mirrored.mlflow_id, metrics)

    def place_of(self, run_id: str, suite: str) -> tuple[str, str | None]:
        """The experiment of a suite, and the MLflow id of a run; None for a run that is not mirrored."""
        experiment = self._experiment(suite)
        runs = self.client.search_runs([experiment], f"tags.`{RUN_ID}` = '{run_id}'", max_results=1)
        return experiment, runs[0].info.run_id if runs else None

    def _manifest(self, suite: str) -> Manifest | None:
        """The manifest of the suite, read once; None if it can't be read, which does not keep a run from MLflow."""
        if suite not in self._manifests:
            with suppress(RequestError):
                self._manifests[suite] = read_manifest(self._store, suite)
        return self._manifests.get(suite)

    def _find(self, record: Record, suite: str) -> MirroredRun:
        query = f"tags.`{RUN_ID}` = '{record.run_id}'"
        runs = self.client.search_runs([self._experiment(suite)], query, order_by=["attributes.start_time"])
        for duplicate in runs[1:]:  # restored from the trash together with its experiment
            self.client.delete_run(duplicate.info.run_id)
        return self._read(runs[0], record) if runs else self._create(record, suite)

    def _create(self, record: Record, suite: str) -> MirroredRun:
        run = self.client.create_run(self._experiment(suite), record.start, record.tags, run_name=record.run_id)
        return MirroredRun(run.info.run_id, run.info.status, tags=dict(record.tags))

    def _read(self, run: Run, record: Record) -> MirroredRun:
        """The content of a run in MLflow. If its digest is the record's, only its files are looked for."""
        held = MirroredRun(run.info.run_id, run.info.status, set(run.data.params), dict(run.data.tags))
        held.dataset = bool(run.inputs and run.inputs.dataset_inputs)
        if held.tags.get(MIRRORED) == record.digest() and held.status == record.status:
            held.metrics, held.complete = {point: value for point, (value, _) in record.metrics.items()}, True
        else:
            for name in run.data.metrics:
                for metric in self.client.get_metric_history(held.mlflow_id, name):
                    held.metrics[name, metric.step] = metric.value
        for folder in (None, "samples"):
            files = self.client.list_artifacts(held.mlflow_id, folder)
            held.artifacts |= {file.path: file.file_size for file in files if not file.is_dir}
        return held

    def _push(self, record: Record, held: MirroredRun, experiment: str) -> Added:
        """Log numbers, then the status, then files. The digest is written last, when all of them are there."""
        from mlflow.entities import Metric, Param, RunTag

        new = {point: value for point, value in record.metrics.items() if point not in held.metrics}
        metrics = [Metric(name, value, time, step) for (name, step), (value, time) in new.items()]
        params = [Param(name, value) for name, value in record.params.items() if name not in held.params]
        parent = self._parents.of(record, experiment)
        wanted = record.tags | {PARENT: parent}
        tags = [RunTag(name, value) for name, value in wanted.items() if held.tags.get(name) != value]
        self.client.log_batch(held.mlflow_id, metrics, params, tags)
        self._push_dataset(record, held)
        settled = held.status == record.status and held.tags.get(PARENT) == parent
        held.metrics |= {point: value for point, (value, _) in new.items()}
        held.params |= set(record.params)
        held.tags |= wanted
        self._push_status(record, held)
        if not settled:
            self._parents.settle(parent, experiment, record.end)
        files = self._push_artifacts(record, held)
        if record.status != "RUNNING" and held.tags.get(MIRRORED) != (digest := record.digest()):
            self.client.set_tag(held.mlflow_id, MIRRORED, digest)
        return Added(len(new), files if held.complete else 0)

    def _push_dataset(self, record: Record, held: MirroredRun) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        if record.dataset and not held.dataset:
            dataset = Dataset(record.dataset.name, record.dataset.digest, "ganbench", record.dataset.source)
            context = InputTag("mlflow.data.context", "training")
            self.client.log_inputs(held.mlflow_id, [DatasetInput(dataset, [context])])
            held.dataset = True

    def _push_status(self, record: Record, held: MirroredRun) -> None:
        if held.status == record.status:
            return
        if record.status == "RUNNING":
            self.client.update_run(held.mlflow_id, status=record.status)
        else:
            self.client.set_terminated(held.mlflow_id, record.status, record.end)
        held.status = record.status

    def _push_artifacts(self, record: Record, held: MirroredRun) -> int:
        """Log the files that are missing or of another size, and return how many."""
        added = 0
        for name, path in record.artifacts.items():
            size = path.stat().st_size
            if held.artifacts.get(name) != size:
                folder = PurePosixPath(name).parent
                self.client.log_artifact(held.mlflow_id, str(path), None if folder == PurePosixPath() else str(folder))
                held.artifacts[name] = size
                added += 1
        return added

    def _experiment(self, suite: str) -> str:
        if suite not in self._experiments:
            self._experiments[suite] = experiment(self.client, suite, artifact_location(self._uri, suite))
        return self._experiments[suite]


def experiment(client: MlflowClient, name: str, location: str | None) -> str:
    """The id of the experiment, created or restored if needed. Another process may do the same at that time."""
    from mlflow.exceptions import MlflowException

    known = client.get_experiment_by_name(name)
    if known is None:
        try:
            return str(client.create_experiment(name, location))
        except MlflowException:
            known = client.get_experiment_by_name(name)
            if known is None:
                raise
    if known.lifecycle_stage == "deleted":
        client.restore_experiment(known.experiment_id)
    return str(known.experiment_id)


def reason(error: BaseException, uri: str = "") -> str:
    """A chain of errors in one line: the innermost error of the system or of SQLite, otherwise the outermost error.

    The secrets of the store's URI are left out.
    """
    shown, cause = error, error.__cause__ or error.__context__
    while cause is not None:
        shown = cause if isinstance(cause, OSError | sqlite3.Error) else shown
        cause = cause.__cause__ or cause.__context__
    return textwrap.shorten(without_secrets(str(shown), uri), 200, placeholder=" …").rstrip(".") or type(shown).__name__
