"""How and where runs are trained: the options, and what the package takes in their place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganbench.executors.base import Executor
    from ganbench.features.inception import InceptionWeights
    from ganbench.runner.packing import Packing
    from ganbench.runner.run import Execution
    from ganbench.suite import Suite


@dataclass(frozen=True, kw_only=True)
class ExecutionOptions:
    """Where runs are trained, and where their results go: the options of `ganbench run` and `ganbench tune`.

    `pack`: the largest number of seeds that are trained as one program; None chooses by the network and the data.
    `per_gpu`: workers on each GPU; None for as many as their memory allows.
    `save_every`: seconds between the checkpoints from which a killed run resumes. `tracking_uri`: the MLflow store;
    None takes `MLFLOW_TRACKING_URI`, or `mlflow.db` in the results folder; `none` turns MLflow off.
    `system_metrics`: log the load of this machine there too. `record_packages`: keep the version of every installed
    package, of CUDA and of the driver with each run. `hooks`: files with a hook, or names of installed ones (see
    `ganbench.tracking.hooks`).
    """

    executor: str = "local"
    on: tuple[str, ...] = ()
    workers: int | None = None
    devices: str = "auto"
    per_gpu: int | None = None
    pack: int | None = None
    save_every: float = 10.0
    results: Path = Path("results")
    tracking_uri: str | None = None
    system_metrics: bool = False
    record_packages: bool = False
    hooks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TrainingOptions(ExecutionOptions):
    """The same, and which runs of a suite are trained: failed ones again, and those of every look at once.

    `detach`: hand the runs to an engine that does them without this process, as Slurm does, and raise `Detached`.
    `log_models`: log the generators to MLflow when the runs are over.
    """

    retry_failed: bool = False
    all_looks: bool = False
    detach: bool = False
    log_models: bool = False


def execution_of(suite: Suite, options: ExecutionOptions) -> Execution:
    """How and where to run a suite."""
    from ganbench.datasets.parts.files import data_root
    from ganbench.runner.run import Execution
    from ganbench.runner.settings import WorkerSettings
    from ganbench.suite import read_executor

    weights = inception_weights()
    settings = WorkerSettings(
        results=options.results.resolve(),
        data=data_root(),
        plugins=tuple(path.resolve() for path in suite.plugins),
        inception=weights.file,
        download_inception=weights.download,
        record_packages=options.record_packages,
        save_every=options.save_every,
        by_memory=options.per_gpu is None,
    )
    executor: Executor = read_executor(options.executor, options.on)
    return Execution(executor, settings, executor.devices(options.devices, options.workers, options.per_gpu))


def packing_of(execution: Execution, pack: int | None) -> Packing:
    """How to pack the runs that are planned now; `pack` as in `ExecutionOptions`."""
    from ganbench.runner.packing import Packing

    return Packing(pack, execution.devices[0], execution.settings.data)


def inception_weights() -> InceptionWeights:
    """The Inception weights that `GANBENCH_INCEPTION` names."""
    from ganbench.features.inception import InceptionWeights

    return InceptionWeights.named(os.environ.get("GANBENCH_INCEPTION"))
