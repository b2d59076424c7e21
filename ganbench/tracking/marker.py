"""What was mirrored and who mirrors: `mlflow.json` in a run folder, and a lock.

The marker lets a suite typed again do without MLflow. It counts while the run's state is the one it saw, and is an
optimisation only: `sync` asks the server itself.
"""

from __future__ import annotations

from contextlib import suppress

from filelock import FileLock

from ganbench.errors import DamagedRun
from ganbench.results.store import RunFolder, Store, write_json
from ganbench.tracking.place import database, shown
from ganbench.tracking.record import Record, seal

MARKER = "mlflow.json"


def mark(folder: RunFolder, uri: str, record: Record, suite: str) -> None:
    """Note that a settled run is mirrored completely: {"uri", "suites": {suite: {"rows", "state", "seal"}}}."""
    suites = _suites(folder, uri)
    now = {"rows": len(record.metrics), "state": record.tags["ganbench.state"], "seal": record.seal}
    if suites.get(suite) != now:
        write_json(folder.path / MARKER, {"uri": shown(uri), "suites": suites | {suite: now}})


def marked(folder: RunFolder, uri: str, suite: str) -> bool:
    """Whether the run as it is now was mirrored completely, to a store that still exists."""
    file = database(uri)
    if file is not None and not file.exists():
        return False
    seen = _suites(folder, uri).get(suite)
    return seen is not None and seen["seal"] == seal(folder.state())


def forget(store: Store) -> None:
    """Remove every marker: the store they speak of is gone."""
    for folder in store.runs():
        (folder.path / MARKER).unlink(missing_ok=True)


def claim(folder: RunFolder, suite: str) -> FileLock:
    """The right to mirror a run of a suite, among processes: an OS file lock, not yet acquired."""
    locks = folder.path.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / f"{folder.run_id}.{suite}.mlflow.lock")


def _suites(folder: RunFolder, uri: str) -> dict[str, dict[str, object]]:
    with suppress(DamagedRun):
        body = folder.read_json(MARKER)
        if body and body.get("uri") == shown(uri):
            return dict(body["suites"])
    return {}
