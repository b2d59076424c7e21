"""A connection to one MLflow store. The only module that imports mlflow, and late: the import takes seconds."""

from __future__ import annotations

import logging
import os
import sqlite3
import textwrap
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from uuid import uuid4

from filelock import FileLock

from ganbench.results.store import RunFolder, Store
from ganbench.tracking import marker
from ganbench.tracking.place import SQLITE, artifact_location, database
from ganbench.tracking.record import RUN_ID, Point, Record, read

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

MIRRORED = "ganbench.mirrored"  # the tag with the digest of what was mirrored completely


@dataclass
class Held:
    """What MLflow holds for one run, as far as this process knows."""

    mlflow_id: str
    status: str
    params: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[Point, float] = field(default_factory=dict)
    artifacts: dict[str, int | None] = field(default_factory=dict)  # path -> bytes

    def contradicts(self, record: Record) -> bool:
        """Whether a value isn't the files', or a finished run has too many: it was done anew, with other numbers."""
        names = {name for name, _ in record.metrics}
        extra = any(point[0] in names and point not in record.metrics for point in self.metrics)
        differs = any(self.metrics.get(point, value) != value for point, (value, _) in record.metrics.items())
        return differs or (extra and record.status == "FINISHED")


class Connection:
    """Mirrors the runs of a results folder to the MLflow store at `uri`; a method may raise whatever MLflow raises.

    Two connections must not mirror one run of one suite at a time: hold `marker.claim`.
    """

    def __init__(self, store: Store, uri: str, patience: int) -> None:
        """`patience`: seconds that one request to a server may take, unless the environment says otherwise."""
        self._uri = uri
        self._client = _client(store, uri, patience)
        self._experiments: dict[str, str] = {}
        self._held: dict[tuple[str, str], Held] = {}  # of the runs in progress

    def mirror_run(self, folder: RunFolder, suite: str, *, live: bool = False) -> int:
        """Log what MLflow lacks of a run and return the number of metric values added; twice adds nothing.

        A run that nobody fills becomes KILLED, unless it is watched `live`. Raises `DamagedRun`.
        """
        record = read(folder, suite, live=live)
        if record is None:
            return 0
        # A failed request may have been carried out: what is held is known again only after success.
        held = self._held.pop((suite, record.run_id), None) or self._find(record, suite)
        if held.contradicts(record):
            self._client.delete_run(held.mlflow_id)
            held = self._create(record, suite)
        added = self._push(record, held)
        if record.seal:
            marker.mark(folder, self._uri, record, suite)
        elif live:
            self._held[suite, record.run_id] = held
        return added

    def _find(self, record: Record, suite: str) -> Held:
        wanted = f"tags.`{RUN_ID}` = '{record.run_id}'"
        found = self._client.search_runs([self._experiment(suite)], wanted, order_by=["attributes.start_time"])
        for twin in found[1:]:  # one came back with its experiment from the trash
            self._client.delete_run(twin.info.run_id)
        return self._read(found[0], record) if found else self._create(record, suite)

    def _create(self, record: Record, suite: str) -> Held:
        run = self._client.create_run(self._experiment(suite), record.start, record.tags, run_name=record.run_id)
        return Held(run.info.run_id, run.info.status, tags=dict(record.tags))

    def _read(self, run: Run, record: Record) -> Held:
        """What MLflow holds; a digest that still fits spares reading every history."""
        held = Held(run.info.run_id, run.info.status, set(run.data.params), dict(run.data.tags))
        if held.tags.get(MIRRORED) == record.digest() and held.status == record.status:
            held.metrics = {point: value for point, (value, _) in record.metrics.items()}
            held.artifacts = {name: path.stat().st_size for name, path in record.artifacts.items()}
            return held
        for name in run.data.metrics:
            for metric in self._client.get_metric_history(held.mlflow_id, name):
                held.metrics[name, metric.step] = metric.value
        for folder in (None, "samples"):
            files = self._client.list_artifacts(held.mlflow_id, folder)
            held.artifacts |= {file.path: file.file_size for file in files if not file.is_dir}
        return held

    def _push(self, record: Record, held: Held) -> int:
        """Numbers, then the status, then files; the digest is written last and vouches for all of them."""
        from mlflow.entities import Metric, Param, RunTag

        new = {point: value for point, value in record.metrics.items() if point not in held.metrics}
        metrics = [Metric(name, value, time, step) for (name, step), (value, time) in new.items()]
        params = [Param(name, value) for name, value in record.params.items() if name not in held.params]
        tags = [RunTag(name, value) for name, value in record.tags.items() if held.tags.get(name) != value]
        self._client.log_batch(held.mlflow_id, metrics, params, tags)
        held.metrics |= {point: value for point, (value, _) in new.items()}
        held.params |= set(record.params)
        held.tags |= record.tags
        self._push_status(record, held)
        self._push_artifacts(record, held)
        if record.status != "RUNNING" and held.tags.get(MIRRORED) != (digest := record.digest()):
            self._client.set_tag(held.mlflow_id, MIRRORED, digest)
        return len(new)

    def _push_status(self, record: Record, held: Held) -> None:
        if held.status == record.status:
            return
        if record.status == "RUNNING":
            self._client.update_run(held.mlflow_id, status=record.status)
        else:
            self._client.set_terminated(held.mlflow_id, record.status, record.end)
        held.status = record.status

    def _push_artifacts(self, record: Record, held: Held) -> None:
        for name, path in record.artifacts.items():
            size = path.stat().st_size
            if held.artifacts.get(name) != size:
                folder = PurePosixPath(name).parent
                self._client.log_artifact(held.mlflow_id, str(path), None if folder == PurePosixPath() else str(folder))
                held.artifacts[name] = size

    def _experiment(self, suite: str) -> str:
        if suite not in self._experiments:
            self._experiments[suite] = experiment(self._client, suite, artifact_location(self._uri, suite))
        return self._experiments[suite]


def experiment(client: MlflowClient, name: str, location: str | None) -> str:
    """The id of the experiment, created or taken back from the trash; another process may do the same right now."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return str(client.create_experiment(name, location))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def reason(error: BaseException) -> str:
    """An error of many layers in one line: what the system said at the bottom, if it did, else the top."""
    said, below = error, error.__cause__ or error.__context__
    while below is not None:
        said = below if isinstance(below, OSError | sqlite3.Error) else said
        below = below.__cause__ or below.__context__
    return textwrap.shorten(str(said), 200, placeholder=" …").rstrip(".") or type(said).__name__


def _client(store: Store, uri: str, patience: int) -> MlflowClient:
    """A client that gives up soon, sends no usage statistics and leaves the standard streams alone."""
    quiet = {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(patience),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    # MLflow reads its level once, on import, which may lie behind us.
    logging.getLogger("mlflow").setLevel(os.environ["MLFLOW_LOGGING_LEVEL"])
    file = database(uri)
    if file is not None:
        _create_database(file, store)
    return MlflowClient(uri)


def _create_database(file: Path, store: Store) -> None:
    """Build a missing SQLite store under another name: killed amid the migrations, it leaves nothing half made.

    Its journal is a write-ahead log: a third of the waiting, and a reader (`mlflow ui`) never holds up the writer.
    """
    from mlflow import MlflowClient

    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.with_name(f".{file.name}.lock")
    lock.touch()  # raises where nothing can be written; a lock would wait
    with FileLock(lock):
        if file.exists():
            return
        marker.forget(store)
        for abandoned in file.parent.glob(f".{file.name}.*.new"):
            abandoned.unlink()
        unfinished = file.with_name(f".{file.name}.{uuid4().hex}.new")
        MlflowClient(f"{SQLITE}{unfinished}")
        with closing(sqlite3.connect(unfinished)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        unfinished.replace(file)
