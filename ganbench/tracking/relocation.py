"""A database that was moved or copied together with its artifacts: MLflow keeps the absolute places of files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ganbench.tracking.place import artifact_root

FOLDER = "/mlartifacts/"
PLACES = (("experiments", "artifact_location"), ("runs", "artifact_uri"))


def relocate(file: Path) -> None:
    """Point the artifacts of an SQLite store to the folder beside it, where they lie after a move or a copy.

    Only experiments whose artifacts lie in a local folder `mlartifacts`, as ganbench makes them, are changed. Raises
    `sqlite3.Error`.
    """
    root = artifact_root(file).as_uri()
    with closing(sqlite3.connect(file)) as connection, connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not tables.issuperset(table for table, _ in PLACES):
            return  # MLflow has not made its tables yet
        known = connection.execute("SELECT experiment_id, artifact_location FROM experiments").fetchall()
        for experiment, old in known:
            new = f"{root}/{(old or '').rpartition('/')[2]}"
            if _made_here(old) and old != new:
                _replace(connection, experiment, old, new)


def _made_here(location: str | None) -> bool:
    """Whether a place is `file:///.../mlartifacts/NAME`."""
    folder, _, name = (location or "").rpartition(FOLDER)
    return folder.startswith("file:") and "/" not in name and bool(name)


def _replace(connection: sqlite3.Connection, experiment: int, old: str, new: str) -> None:
    for table, column in PLACES:
        connection.execute(
            f"UPDATE {table} SET {column} = ? || substr({column}, length(?) + 1) "
            f"WHERE experiment_id = ? AND ({column} = ? OR substr({column}, 1, length(?) + 1) = ? || '/')",
            (new, old, experiment, old, old, old),
        )
