"""The generators of finished runs as logged models of MLflow, at the user's request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ganbench.errors import GanbenchError, RequestError
from ganbench.results.manifest import read_manifest
from ganbench.results.store import RunFolder, Store
from ganbench.tracking.connection import Connection, reason
from ganbench.tracking.place import shown
from ganbench.tracking.record import RUN_ID
from ganbench.tracking.syncing import PATIENCE

if TYPE_CHECKING:
    from mlflow import MlflowClient

Export = Callable[[RunFolder, Path], int]  # writes a run's generator into a folder, and returns its step


@dataclass(frozen=True)
class LoggedModels:
    """What `log_models` did: models added, and a sentence for each run whose generator could not be written."""

    added: int
    problems: tuple[str, ...] = ()


def log_models(store: Store, uri: str, suite: str, export: Export) -> LoggedModels:
    """Log the last generator of each run that is done and that MLflow holds without a model. A second call adds none.

    Raises `RequestError` for an unknown suite and for a store that fails; the models that were logged before stay.
    """
    done = [folder for folder in map(store.run, read_manifest(store, suite).runs) if _is_done(folder)]
    added, problems = 0, []
    try:
        connection = Connection(store, uri, PATIENCE)
        for folder in done:
            try:
                added += _log_model(connection, suite, folder, export)
            except GanbenchError as error:
                problems.append(str(error))
    except Exception as error:
        todo = "run `ganbench sync --log-models` when the store works"
        raise RequestError(shown(uri), f"MLflow failed: {reason(error, uri)}", todo=todo) from error
    return LoggedModels(added, tuple(problems))


def _is_done(folder: RunFolder) -> bool:
    try:
        state = folder.state()
    except GanbenchError:  # a damaged run; `sync` names it
        return False
    return state is not None and state.status == "done"


def _log_model(connection: Connection, suite: str, folder: RunFolder, export: Export) -> bool:
    """Log the generator of a run that MLflow holds without a model; whether it did."""
    from mlflow.entities import LoggedModelOutput

    client, (experiment, run) = connection.client, connection.place_of(folder.run_id, suite)
    if run is None or _has_model(client, experiment, run):
        return False
    with TemporaryDirectory() as place:
        step = export(folder, Path(place))
        model = client.create_logged_model(
            experiment, folder.run_id, run, {RUN_ID: folder.run_id}, {"step": str(step)}, "generator"
        )
        client.log_model_artifacts(model.model_id, place)
    client.log_outputs(run, [LoggedModelOutput(model.model_id, step)])
    client.finalize_logged_model(model.model_id, "READY")
    return True


def _has_model(client: MlflowClient, experiment: str, run: str) -> bool:
    """Whether a run has a complete model. One whose upload was interrupted is deleted."""
    models = client.search_logged_models([experiment], f"source_run_id = '{run}'")
    for model in models:
        if model.status != "READY":
            client.delete_logged_model(model.model_id)
    return any(model.status == "READY" for model in models)
