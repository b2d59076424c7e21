"""Mirrors everything that MLflow lacks, at the user's request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from filelock import Timeout

from ganbench.errors import DamagedRun, RequestError
from ganbench.results.manifest import read_manifest
from ganbench.results.store import Store
from ganbench.tracking.connection import Connection, reason
from ganbench.tracking.marker import claim
from ganbench.tracking.place import shown

PATIENCE = 60  # seconds for a request


@dataclass
class Synced:
    """What `sync` did: runs that are now in MLflow, values added, files restored that MLflow had lost, runs left to
    another process, runs without a folder, damaged runs, which MLflow keeps as it has them.
    """

    runs: int = 0
    metrics_added: int = 0
    files_restored: int = 0
    elsewhere: int = 0
    missing: int = 0
    damaged: tuple[str, ...] = ()  # a sentence for each


def sync(store: Store, uri: str, suites: list[str] | None, say: Callable[[str], None]) -> Synced:
    """Mirror the runs of the suites (None: of every suite that ran here). A second call adds nothing.

    It asks the store for its content and uses no marker. Raises `RequestError` for an unknown suite and for a store
    that fails; the runs that were mirrored before that stay.
    """
    total = Synced()
    manifests = {suite: read_manifest(store, suite) for suite in (store.suites() if suites is None else suites)}
    try:
        connection = Connection(store, uri, PATIENCE)
        for suite, manifest in manifests.items():
            before = replace(total)
            for run_id in manifest.runs:
                _sync_run(connection, store, (suite, run_id), total)
            say(f"{suite}: {total.runs - before.runs} runs, {_added(before, total)}{_left_out(before, total)}")
    except Exception as error:
        raise RequestError(
            shown(uri), f"MLflow failed: {reason(error, uri)}", todo="run `ganbench sync` again when the store works"
        ) from error
    return total


def _added(before: Synced, now: Synced) -> str:
    files = now.files_restored - before.files_restored
    return f"{now.metrics_added - before.metrics_added} values added" + (f", {files} files restored" if files else "")


def _left_out(before: Synced, now: Synced) -> str:
    counts = {
        "being mirrored by another process": now.elsewhere - before.elsewhere,
        "not started": now.missing - before.missing,
        "damaged": len(now.damaged) - len(before.damaged),
    }
    return "".join(f", {count} {name}" for name, count in counts.items() if count)


def _sync_run(connection: Connection, store: Store, key: tuple[str, str], total: Synced) -> None:
    suite, run_id = key
    folder = store.run(run_id)
    try:
        if folder.state() is None:
            total.missing += 1
            return
        with claim(folder, suite).acquire(timeout=0):
            added = connection.mirror_run(folder, suite)
            total.metrics_added += added.metrics
            total.files_restored += added.restored
            total.runs += 1
    except Timeout:
        total.elsewhere += 1
    except DamagedRun as damage:
        total.damaged += (str(damage),)
