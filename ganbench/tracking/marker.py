"""The marker of a mirrored run, `mlflow.json` in its folder, and the lock for mirroring it.

With the marker, a suite that is run again need not ask MLflow. It is valid as long as the run's state is the same. It
is an optimisation only: `sync` asks the server.
"""

from __future__ import annotations

from contextlib import suppress

from filelock import FileLock

from ganbench.errors import DamagedRun
from ganbench.results.files import lock_file, remove
from ganbench.results.store import RunFolder, Store
from ganbench.tracking.place import database, hides_query, shown
from ganbench.tracking.record import Record, seal

MARKER = "mlflow.json"


def mark(folder: RunFolder, uri: str, record: Record, suite: str) -> None:
    """Record that a run that ended is mirrored completely: {"uri", "suites": {suite: {"rows", "state", "seal"}}}.

    The file holds no secret, so that of a store whose query has values says too little, and there is none.
    """
    if hides_query(uri):
        return
    suites = _suites(folder, uri)
    now = {"rows": len(record.metrics), "state": record.tags["ganbench.state"], "seal": record.seal}
    if suites.get(suite) != now:
        folder.write_json(MARKER, {"uri": shown(uri), "suites": suites | {suite: now}})


def marked(folder: RunFolder, uri: str, suite: str) -> bool:
    """Whether the present state of the run was mirrored completely, to a store that still exists."""
    file = database(uri)
    if hides_query(uri) or (file is not None and not file.exists()):
        return False
    mirrored = _suites(folder, uri).get(suite)
    return isinstance(mirrored, dict) and mirrored.get("seal") == seal(folder.state())


def forget(store: Store) -> None:
    """Remove every marker, because the store of the markers is gone."""
    for folder in store.runs():
        remove(folder.path / MARKER)


def claim(folder: RunFolder, suite: str) -> FileLock:
    """The lock that a process holds while it mirrors a run of a suite: an OS file lock, not yet acquired."""
    return lock_file(folder.path.parent / ".locks" / f"{folder.run_id}.{suite}.mlflow.lock")


def _suites(folder: RunFolder, uri: str) -> dict[str, object]:
    with suppress(DamagedRun):
        body = folder.read_json(MARKER)
        if body and body.get("uri") == shown(uri):
            suites = body.get("suites")
            return dict(suites) if isinstance(suites, dict) else {}
    return {}
