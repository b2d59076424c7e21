"""A connection to an MLflow store. Only this module imports mlflow, and late, because the import takes seconds."""

from __future__ import annotations

import logging
import os
import sqlite3
import textwrap
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from uuid import uuid4

from ganbench.errors import RequestError
from ganbench.results.files import lock_file
from ganbench.results.manifest import Manifest, read_manifest
from ganbench.results.store import RunFolder, Store
from ganbench.tracking import marker
from ganbench.tracking.cells import PARENT, ParentRuns
from ganbench.tracking.place import (
    artifact_location,
    database,
    for_mlflow,
    journal_mode,
    mounts,
    sqlite_uri,
    without_secrets,
)
from ganbench.tracking.record import RUN_ID, MetricStep, Record, read_record
from ganbench.tracking.relocation import relocate

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
        self._client = _client(store, uri, patience)
        self._experiments: dict[str, str] = {}
        self._parents = ParentRuns(self._client, store)
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
            self._client.delete_run(mirrored.mlflow_id)
            mirrored = self._create(record, suite)
        added = self._push(record, mirrored, self._experiment(suite))
        if record.seal:
            marker.mark(folder, self._uri, record, suite)
        elif live:
            self._mirrored[suite, record.run_id] = mirrored
        return added

    def _manifest(self, suite: str) -> Manifest | None:
        """The manifest of the suite, read once; None if it can't be read, which does not keep a run from MLflow."""
        if suite not in self._manifests:
            with suppress(RequestError):
                self._manifests[suite] = read_manifest(self._store, suite)
        return self._manifests.get(suite)

    def _find(self, record: Record, suite: str) -> MirroredRun:
        query = f"tags.`{RUN_ID}` = '{record.run_id}'"
        runs = self._client.search_runs([self._experiment(suite)], query, order_by=["attributes.start_time"])
        for duplicate in runs[1:]:  # restored from the trash together with its experiment
            self._client.delete_run(duplicate.info.run_id)
        return self._read(runs[0], record) if runs else self._create(record, suite)

    def _create(self, record: Record, suite: str) -> MirroredRun:
        run = self._client.create_run(self._experiment(suite), record.start, record.tags, run_name=record.run_id)
        return MirroredRun(run.info.run_id, run.info.status, tags=dict(record.tags))

    def _read(self, run: Run, record: Record) -> MirroredRun:
        """The content of a run in MLflow. If its digest is the record's, only its files are looked for."""
        held = MirroredRun(run.info.run_id, run.info.status, set(run.data.params), dict(run.data.tags))
        held.dataset = bool(run.inputs and run.inputs.dataset_inputs)
        if held.tags.get(MIRRORED) == record.digest() and held.status == record.status:
            held.metrics, held.complete = {point: value for point, (value, _) in record.metrics.items()}, True
        else:
            for name in run.data.metrics:
                for metric in self._client.get_metric_history(held.mlflow_id, name):
                    held.metrics[name, metric.step] = metric.value
        for folder in (None, "samples"):
            files = self._client.list_artifacts(held.mlflow_id, folder)
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
        self._client.log_batch(held.mlflow_id, metrics, params, tags)
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
            self._client.set_tag(held.mlflow_id, MIRRORED, digest)
        return Added(len(new), files if held.complete else 0)

    def _push_dataset(self, record: Record, held: MirroredRun) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        if record.dataset and not held.dataset:
            dataset = Dataset(record.dataset.name, record.dataset.digest, "ganbench", record.dataset.source)
            context = InputTag("mlflow.data.context", "training")
            self._client.log_inputs(held.mlflow_id, [DatasetInput(dataset, [context])])
            held.dataset = True

    def _push_status(self, record: Record, held: MirroredRun) -> None:
        if held.status == record.status:
            return
        if record.status == "RUNNING":
            self._client.update_run(held.mlflow_id, status=record.status)
        else:
            self._client.set_terminated(held.mlflow_id, record.status, record.end)
        held.status = record.status

    def _push_artifacts(self, record: Record, held: MirroredRun) -> int:
        """Log the files that are missing or of another size, and return how many."""
        added = 0
        for name, path in record.artifacts.items():
            size = path.stat().st_size
            if held.artifacts.get(name) != size:
                folder = PurePosixPath(name).parent
                self._client.log_artifact(held.mlflow_id, str(path), None if folder == PurePosixPath() else str(folder))
                held.artifacts[name] = size
                added += 1
        return added

    def _experiment(self, suite: str) -> str:
        if suite not in self._experiments:
            self._experiments[suite] = experiment(self._client, suite, artifact_location(self._uri, suite))
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


def _client(store: Store, uri: str, patience: int) -> MlflowClient:
    """A client with short timeouts that sends no usage statistics and prints nothing."""
    quiet = {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(patience),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_LOGGING_LEVEL": "CRITICAL",  # it logs the traceback of every error that it raises
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    # MLflow reads its level on import, and may have been imported before. Alembic creates its tables.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(os.environ["MLFLOW_LOGGING_LEVEL"])
    file = database(uri)
    if file is not None:
        _create_database(file, store)
        relocate(file)
    _forget_places()
    return MlflowClient(for_mlflow(uri))


def _forget_places() -> None:
    """Let MLflow ask again where a run's files lie: it remembers that by the run's id, which a copied store has too."""
    with suppress(ImportError, AttributeError):
        from mlflow.tracking._tracking_service.utils import _artifact_repos_cache

        _artifact_repos_cache.clear()


def _create_database(file: Path, store: Store) -> None:
    """Build a missing SQLite store under another name, so that a process killed during the migrations leaves no part.

    Its journal is that of `journal_mode`.
    """
    from mlflow import MlflowClient

    place = file.with_name(f".{file.name}.lock")
    lock = lock_file(place)
    place.touch()  # raises if nothing can be written here; a lock would wait instead
    with lock:
        if file.exists():
            return
        marker.forget(store)
        for abandoned in file.parent.glob(f".{file.name}.*.new"):
            abandoned.unlink()
        unfinished = file.with_name(f".{file.name}.{uuid4().hex}.new")
        MlflowClient(for_mlflow(sqlite_uri(unfinished)))
        with closing(sqlite3.connect(unfinished)) as connection:
            connection.execute(f"PRAGMA journal_mode={journal_mode(file, mounts())}")
        unfinished.replace(file)
