"""Hooks: a user's own code that is called when runs start, are scored and end, such as for another tracker."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from ganbench.errors import RequestError

GROUP = "ganbench.hooks"  # entry points of installed packages; each names a module
SHIPPED = {"tensorboard": "ganbench.tracking.tensorboard"}


@dataclass(frozen=True)
class TrackedRun:
    """A run as a hook sees it. `columns`: its value on each axis, and `seed`."""

    suite: str
    run_id: str
    columns: Mapping[str, str | int]
    path: Path  # of its folder


class Hook:
    """What is called with the runs that a command trains. A hook overrides what it needs.

    The calls come from one thread of the process that schedules the runs, which they neither stop nor slow. They come
    in order. An exception is reported once and changes nothing else.
    """

    def on_run_start(self, run: TrackedRun) -> None:
        """Called when the run has begun, or goes on in this session."""

    def on_scores(self, run: TrackedRun, step: int, scores: Mapping[str, float]) -> None:
        """Called with the metrics that were measured at a step. `step`: generator updates."""

    def on_run_end(self, run: TrackedRun, status: str) -> None:
        """Called when the run is over. `status`: done, diverged or failed."""

    def close(self) -> None:
        """Called when the runs of a command are over."""


def load_hook(name: str) -> Hook:
    """The hook in a Python file, `tensorboard`, or that of an entry point of the group `ganbench.hooks`.

    Raises `RequestError` if there is none, or if it can't be made.
    """
    if name.endswith(".py"):
        return _hook_in(_from_file(Path(name)), name)
    if name in SHIPPED:
        return _hook_in(importlib.import_module(SHIPPED[name]), f"--hook {name}")
    found = {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}
    if name not in found:
        allowed = f"a Python file, or one of {', '.join(sorted({*SHIPPED, *found}))}"
        raise RequestError("--hook", f"there is no hook {name!r}", allowed, "name a file that ends with .py")
    try:
        module = found[name].load()
    except Exception as error:
        raise RequestError(f"hook {name}", f"it can't be imported: {error}", todo="install what it needs") from None
    return _hook_in(module, f"hook {name}")


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ganbench_hook_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise RequestError("--hook", f"{path} is no file", "a Python file", "correct the path")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise RequestError(str(path), f"it can't be imported: {error!r}", todo="correct the file") from None
    return module


def _hook_in(module: ModuleType, where: str) -> Hook:
    own = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__]
    hooks = [kind for kind in own if issubclass(kind, Hook)]
    if len(hooks) != 1:
        given = f"it defines {' and '.join(kind.__name__ for kind in hooks) or 'no hook'}"
        raise RequestError(where, given, "exactly one subclass of ganbench.tracking.hooks.Hook")
    try:
        return hooks[0]()
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(where, f"its hook can't be made: {error!r}", todo="correct the file") from None
