"""The place of the mirror: the URI of the MLflow store, its database file and its artifacts."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ganbench.errors import RequestError

SQLITE = "sqlite:///"


def default_uri(root: Path) -> str:
    """The default store of a results folder: `sqlite:///<results>/mlflow.db`."""
    return f"{SQLITE}{root.resolve() / 'mlflow.db'}"


def resolve(uri: str | None, root: Path) -> str | None:
    """The URI to mirror to: the given URI, else `MLFLOW_TRACKING_URI`, else the default; None for `none`.

    Raises `RequestError` for a text that is not a URI.
    """
    where = "--tracking-uri" if uri else "MLFLOW_TRACKING_URI"
    chosen = uri or os.environ.get("MLFLOW_TRACKING_URI") or default_uri(root)
    if chosen.lower() == "none":
        return None
    if "://" not in chosen and chosen != "databricks":
        allowed = "allowed: a server (http://...), a database (sqlite:///...) or none"
        todo = "give the URI of a store, or none to log nothing to MLflow"
        raise RequestError(where, f"{chosen!r} is not the URI of an MLflow store", allowed, todo)
    return chosen


def database(uri: str) -> Path | None:
    """The file of an SQLite store; None for a server."""
    return Path(uri.removeprefix(SQLITE)).resolve() if uri.startswith(SQLITE) else None


def artifact_location(uri: str, suite: str) -> str | None:
    """`mlartifacts/<suite>` beside an SQLite file; None if the server chooses the place."""
    file = database(uri)
    return (file.parent / "mlartifacts" / suite).as_uri() if file else None


def shown(uri: str) -> str:
    """The URI without a user's name and password."""
    return re.sub(r"^([\w+]+://)[^/@]+@", r"\1", uri)
