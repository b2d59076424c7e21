"""What a suite's runs leave in MLflow: a live mirror, and the generators where they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.errors import RequestError
from ganbench.results.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from ganbench.api.execution import ExecutionOptions, TrainingOptions
    from ganbench.executors.base import Executor
    from ganbench.results.store import RunFolder
    from ganbench.runner.run import FolderMirror
    from ganbench.spec import RunSpec
    from ganbench.suite import Suite
    from ganbench.tracking import LoggedModels, Mirror


@dataclass(frozen=True)
class Followers:
    """What follows run folders while they are being filled: MLflow's mirror, and the caller of the hooks."""

    each: tuple[FolderMirror, ...]

    def start(self, suite: str, run_ids: Iterable[str]) -> None:
        """Follow the runs of a suite."""
        run_ids = list(run_ids)
        for follower in self.each:
            follower.start(suite, run_ids)

    def close(self) -> None:
        """Wait, for a limited time, until each has what is left."""
        for follower in self.each:
            follower.close()


def followers_of(options: ExecutionOptions, executor: Executor, say: Callable[[str], None]) -> Followers:
    """What follows runs while they are in progress: MLflow's mirror, unless its URI is `none`, and the user's hooks.

    Raises `RequestError` for a hook that can't be loaded and for system metrics that can't be read here.
    """
    from ganbench.tracking.hook_caller import HookCaller
    from ganbench.tracking.hooks import load_hook

    hooks = [load_hook(name) for name in options.hooks]
    caller = (HookCaller(Store(options.results.resolve()), hooks, say),) if hooks else ()
    mirror = _mirror_of(options, executor, say)
    return Followers((*((mirror,) if mirror else ()), *caller))


def _mirror_of(options: ExecutionOptions, executor: Executor, say: Callable[[str], None]) -> Mirror | None:
    from ganbench import tracking

    store = Store(options.results.resolve())
    if options.system_metrics and executor.elsewhere:
        given = f"the executor {executor.kind()} trains on other machines, whose load is not known here"
        raise RequestError("--system-metrics", given, "allowed with --executor local or inline", "leave it out")
    if options.system_metrics:
        tracking.check_system_metrics()
    uri = tracking.resolve(options.tracking_uri, store.root)
    return tracking.Mirror(store, uri, say, system_metrics=options.system_metrics) if uri else None


def log_generators(store: Store, uri: str, suite: str, known: Mapping[str, RunSpec]) -> LoggedModels:
    """Log the last generator of each finished run as a model, in the format of `torch.export` and with a README.

    `known`: the specs of the suite, for components or data of your own. Raises `RequestError` for a store that fails.
    """
    from ganbench import tracking
    from ganbench.datasets.parts.files import data_root
    from ganbench.samples.exporting import export_generator
    from ganbench.samples.generators import saved_run

    def export(folder: RunFolder, place: Path) -> int:
        run = saved_run(folder, known, data_root())
        export_generator(run, place / "generator.pt2")
        return run.mark(None)

    return tracking.log_models(store, uri, suite, export)


def log_when_over(suite: Suite, options: TrainingOptions, say: Callable[[str], None]) -> None:
    """Log the generators of a suite whose runs are over, where they are asked for. What fails is said, not raised."""
    from ganbench import tracking
    from ganbench.api.lookup import specs_of

    store = Store(options.results.resolve())
    uri = tracking.resolve(options.tracking_uri, store.root)
    if not options.log_models or uri is None:
        return
    try:
        for problem in log_generators(store, uri, suite.name, specs_of(suite)).problems:
            say(f"no model is logged: {problem}")
    except RequestError as error:
        say(str(error))
