"""The live mirror: a daemon thread of the process that schedules the runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Event, Thread

from filelock import FileLock, Timeout

from ganbench.errors import DamagedRun
from ganbench.results.store import RunFolder, Store
from ganbench.tracking.connection import Connection, reason
from ganbench.tracking.marker import claim, marked
from ganbench.tracking.place import shown
from ganbench.tracking.record import seal
from ganbench.tracking.system_metrics import SystemMonitor

Signature = tuple[tuple[int, int], ...]
PATIENCE = 5  # seconds for a request
LONGEST_PAUSE = 60.0  # seconds between two attempts with a store that fails
LAST_WAIT = 3.0  # seconds that `close` waits for a store that fails


@dataclass(eq=False)
class Watched:
    """A run of a suite, its folder's signature when it was last mirrored, and the lock on it while in progress."""

    suite: str
    folder: RunFolder
    seen: Signature | None = None
    claim: FileLock | None = None

    def signature(self) -> Signature | None:
        """Times and sizes of the mirrored files; None for a run that has not started."""
        names = ("state.json", "terms.jsonl", "scores.jsonl", "env.json", "samples")
        paths = [self.folder.path / name for name in names]
        if not paths[0].exists():
            return None
        stats = [path.stat() for path in paths if path.exists()]
        return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)

    def claimed(self) -> bool:
        """Whether this process mirrors the run; another process may be mirroring it."""
        if self.claim is None:
            lock = claim(self.folder, self.suite)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                return False
            self.claim = lock
        return True

    def release(self) -> None:
        if self.claim is not None:
            self.claim.release()
            self.claim = None


class Mirror:
    """Mirrors runs to MLflow while they are in progress. It never raises, and only `close` waits for it.

    Every `every` seconds it checks which folders have changed and logs what is new. The first failure of a store is
    reported through `say`, from the thread. The store is tried again at growing intervals; `sync` adds what is missing
    in the end. With `system_metrics` it also logs the load of this machine for the runs in progress.
    """

    def __init__(
        self, store: Store, uri: str, say: Callable[[str], None], every: float = 2.0, system_metrics: bool = False
    ) -> None:
        self._store, self._uri, self._say = store, uri, say
        self._every = self._pause = every
        self._connection: Connection | None = None
        self._monitor = SystemMonitor() if system_metrics else None
        self._watched: list[Watched] = []
        self._failing = self._reported = False
        self._closing, self._abandoned = Event(), Event()
        self._thread = Thread(target=self._live, name="mlflow-mirror", daemon=True)

    def start(self, suite: str, run_ids: Iterable[str]) -> None:
        """Watch the runs of a suite, started or not. May be called for several suites."""
        self._watched += [Watched(suite, self._store.run(run_id)) for run_id in run_ids]
        if not self._thread.is_alive():
            self._thread.start()

    def close(self, timeout: float = 30.0) -> int:
        """Mirror what has changed, for at most `timeout` seconds. Returns how many runs are not up to date."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(min(timeout, LAST_WAIT) if self._failing else timeout)
        self._abandoned.set()
        behind = sum(run.signature() != run.seen for run in self._watched)
        if behind:
            self._report(f"{behind} run{'s are' if behind > 1 else ' is'} not mirrored yet")
        return behind

    def _live(self) -> None:
        last = False
        while not last:
            last = self._closing.wait(self._pause)
            self._pass()
            last = last or (self._failing and self._closing.is_set())
        for run in self._watched:
            run.release()

    def _pass(self) -> None:
        for run in list(self._watched):
            begun = time.monotonic()
            try:
                worked = self._visit(run)
            except DamagedRun as damage:
                if self._closing.is_set():  # before that, the run may be on the list of those that are done again
                    run.seen = run.signature()
                    self._say(f"MLflow at {shown(self._uri)}: not mirrored: {damage}")
                continue
            except Exception as error:  # no error of MLflow may stop the runs
                self._fail(run, error)
                return
            if self._abandoned.is_set():
                return
            if worked:
                self._closing.wait(time.monotonic() - begun)  # uses at most half a core; the rest is for the runs
        try:
            self._log_system()
        except Exception as error:
            self._report(reason(error, self._uri))
        self._failing, self._pause = False, self._every

    def _log_system(self) -> None:
        """Log the load of the machine for the runs in progress."""
        load = self._monitor.read() if self._monitor and self._connection else {}
        for run in self._watched if load and not self._closing.is_set() else ():
            if run.claim and self._connection:
                self._connection.log_system(run.folder.run_id, run.suite, load)

    def _visit(self, run: Watched) -> bool:
        """Mirror a run if its folder has changed, or on closing if it is unfinished. Returns whether it did."""
        now, closing = run.signature(), self._closing.is_set()
        if now is None or (now == run.seen and not (closing and run.claim)):
            return False
        known = run.seen is None and marked(run.folder, self._uri, run.suite)
        if not known and run.claimed():
            self._connection = self._connection or Connection(self._store, self._uri, PATIENCE)
            self._connection.mirror_run(run.folder, run.suite, live=not closing)
            if seal(run.folder.state()):  # it ended; the lock is taken again should the folder change
                run.release()
        run.seen = now
        return not known

    def _fail(self, run: Watched, error: Exception) -> None:
        self._failing, self._pause = True, min(2 * self._pause, LONGEST_PAUSE)
        self._connection = None  # its knowledge of the store may be wrong now
        self._watched.remove(run)
        self._watched.append(run)  # the other runs come first from now on, in case this run is the cause
        self._report(reason(error, self._uri))

    def _report(self, problem: str) -> None:
        if not self._reported:
            self._reported = True
            self._say(f"MLflow at {shown(self._uri)}: {problem}. The files are complete; run `ganbench sync` later.")
