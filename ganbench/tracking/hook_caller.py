"""Calls hooks with what is new in run folders. It reads files only, so that a hook can't touch the training."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Event, Thread

from ganbench.errors import DamagedRun
from ganbench.results.content import RunContent
from ganbench.results.store import RunFolder, Store
from ganbench.tracking.hooks import Hook, TrackedRun

LAST_WAIT = 30.0  # seconds that `close` waits for the hooks


@dataclass(frozen=True)
class FollowedRun:
    """A run, and what its hooks know. `reported`: the steps and metrics; `status`: of the last visit; None before."""

    run: TrackedRun
    reported: frozenset[tuple[int, str]] = frozenset()
    status: str | None = None


class HookCaller:
    """Follows run folders in a thread of its own. It never raises, and only `close` waits for it.

    A run that is over when it is followed is left alone until it goes on, and scores of earlier sessions are not
    reported again.
    """

    def __init__(self, store: Store, hooks: Iterable[Hook], say: Callable[[str], None], every: float = 2.0) -> None:
        self._store, self._hooks, self._say, self._every = store, tuple(hooks), say, every
        self._followed: dict[str, FollowedRun] = {}
        self._failed: set[str] = set()
        self._closing = Event()
        self._thread = Thread(target=self._live, name="hooks", daemon=True)

    def start(self, suite: str, run_ids: Iterable[str]) -> None:
        """Follow the runs of a suite, started or not."""
        for folder in map(self._store.run, run_ids):
            content = _read(folder)
            followed = FollowedRun(TrackedRun(suite, folder.run_id, {}, folder.path))
            if content:
                status = content.state.status
                reported = frozenset((row["step"], row["metric"]) for row in content.scores())
                followed = replace(followed, reported=reported, status=None if status == "running" else status)
            self._followed[folder.run_id] = followed
        if not self._thread.is_alive():
            self._thread.start()

    def close(self) -> None:
        """Report what is left, for at most 30 seconds."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(LAST_WAIT)

    def _live(self) -> None:
        last = False
        while not last:
            last = self._closing.wait(self._every)
            for run_id, followed in list(self._followed.items()):
                folder = self._store.run(run_id)
                content = _read(folder)
                if (content and content.state.status != followed.status) or followed.status == "running":
                    self._followed[run_id] = self._visit(followed, folder, content) if content else followed
        self._call("close")

    def _visit(self, followed: FollowedRun, folder: RunFolder, content: RunContent) -> FollowedRun:
        """Call the hooks with what is new in a run."""
        run, status = followed.run, content.state.status
        if followed.status != "running":
            with suppress(DamagedRun):
                run = replace(run, columns=folder.spec().get("columns", {}))
            self._call("on_run_start", run)
        new: dict[int, dict[str, float]] = {}
        for row in content.scores():
            if (row["step"], row["metric"]) not in followed.reported:
                new.setdefault(row["step"], {})[row["metric"]] = float(row["value"])
        for step, scores in sorted(new.items()):
            self._call("on_scores", run, step, scores)
        if status != "running":
            self._call("on_run_end", run, status)
        reported = followed.reported | {(step, metric) for step, scores in new.items() for metric in scores}
        return FollowedRun(run, reported, status)

    def _call(self, method: str, *given: object) -> None:
        """Call a method of every hook. The first exception of each hook is reported."""
        for hook in self._hooks:
            try:
                getattr(hook, method)(*given)
            except Exception as error:
                name = type(hook).__name__
                if name not in self._failed:
                    self._failed.add(name)
                    self._say(f"the hook {name} failed in {method}: {error!r}. No run depends on it.")


def _read(folder: RunFolder) -> RunContent | None:
    with suppress(DamagedRun, OSError):
        return folder.read()
    return None
