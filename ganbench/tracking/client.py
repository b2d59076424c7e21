"""MLflow's client for a store, whose database is created if needed. It is imported late, because that takes seconds."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from ganbench.results.files import lock_file
from ganbench.results.store import Store
from ganbench.tracking import marker
from ganbench.tracking.place import database, for_mlflow, journal_mode, mounts, sqlite_uri
from ganbench.tracking.relocation import relocate

if TYPE_CHECKING:
    from mlflow import MlflowClient


def client_of(store: Store, uri: str, patience: int) -> MlflowClient:
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
