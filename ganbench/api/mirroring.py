"""What a suite's runs leave in MLflow: a live mirror, and the generators where they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ganbench.errors import RequestError
from ganbench.results.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from ganbench.api.execution import ExecutionOptions, TrainingOptions
    from ganbench.executors.base import Executor
    from ganbench.results.store import RunFolder
    from ganbench.spec import RunSpec
    from ganbench.suite import Suite
    from ganbench.tracking import LoggedModels, Mirror


def mirror_of(options: ExecutionOptions, executor: Executor, say: Callable[[str], None]) -> Mirror | None:
    """What copies runs to MLflow while they are in progress; None for the URI `none`.

    Raises `RequestError` for system metrics that can't be read here.
    """
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
