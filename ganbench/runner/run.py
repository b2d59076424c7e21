"""Carries out a plan: check, execute, sum up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ganbench import __version__
from ganbench.datasets.base import Downloadable
from ganbench.features.bank import Bank
from ganbench.features.inception import InceptionWeights
from ganbench.results.manifest import ExcludedCell, Manifest, MetricInfo, NotEvaluated, write_manifest
from ganbench.results.store import Store
from ganbench.runner.dry_pass import check_components
from ganbench.runner.job import Job, own_key, score_key
from ganbench.runner.plan import job_of
from ganbench.runner.settings import WorkerSettings

if TYPE_CHECKING:
    from ganbench.executors.base import Executor
    from ganbench.runner.events import Listener
    from ganbench.runner.plan import Plan
    from ganbench.suite import Suite


class FolderMirror(Protocol):
    """Copies run folders elsewhere while they are being filled."""

    def start(self, suite: str, run_ids: Iterable[str]) -> None:
        """Follow the folders of these runs."""

    def close(self) -> object:
        """Copy what is left."""


@dataclass(frozen=True)
class Execution:
    """How jobs are done: by which executor, in workers with which settings, one on each of the devices."""

    executor: Executor
    settings: WorkerSettings
    devices: tuple[str, ...]

    def do(self, jobs: Iterable[Job], listener: Listener) -> Counter[str]:
        """Do the jobs; how many runs ended with which status."""
        statuses: Counter[str] = Counter()
        workers = [replace(self.settings, device=device) for device in self.devices]
        with closing(self.executor.run(jobs, workers, listener.hear)) as endings:  # closing stops the workers
            for ended in endings:
                statuses[ended.status] += 1
                listener.hear(ended)
        return statuses


@dataclass(frozen=True)
class RunSummary:
    """What `ganbench run --json` ends with. `done` and `diverged` count the runs that are in the results now."""

    suite: str
    runs: int
    done: int
    diverged: int
    failed: int
    excluded: int
    skipped: int  # done before
    seconds: float


def run(plan: Plan, execution: Execution, listener: Listener, mirror: FolderMirror | None = None) -> RunSummary:
    """Do the jobs of a plan. The manifest that the report reads is that of the whole suite, without `--only`.

    Raises `RequestError` before anything runs when the results folder, data or weights are not available.
    """
    began, suite = time.monotonic(), plan.suite
    store = Store(execution.settings.results).open()
    check_ready(suite, execution.settings, plan.jobs)
    write_manifest(store, manifest(suite.whole))
    for text in plan.damaged:
        listener.say(text)
    statuses: Counter[str] = Counter()
    try:
        if mirror:
            mirror.start(suite.name, [spec.run_id() for spec in suite.specs])
        if plan.jobs:
            listener.begin(suite.name, plan.to_run, sum(spec.steps for job in plan.jobs for spec in job.specs))
            statuses = execution.do(plan.jobs, listener)
    finally:
        listener.close()
        if mirror:
            mirror.close()
    total = statuses + Counter(_status(store, spec.run_id()) for spec in (*plan.done, *plan.failed))
    return RunSummary(
        suite=suite.name,
        runs=len(suite.specs),
        done=total["done"],
        diverged=total["diverged"],
        failed=total["failed"],
        excluded=len(suite.excluded),
        skipped=len(plan.done),
        seconds=round(time.monotonic() - began, 1),
    )


def check_ready(suite: Suite, settings: WorkerSettings, jobs: Iterable[Job] | None = None) -> None:
    """Raises `RequestError` now for data or weights that a run would miss only after minutes.

    The users' components of these jobs, by default of all runs, are tried on a few samples.
    """
    for dataset in {spec.dataset for spec in suite.specs}:
        if isinstance(dataset, Downloadable):
            dataset.check(settings.data)
    needs = {feature for evaluator in suite.evaluation.evaluators for feature in evaluator.needs()}
    weights = InceptionWeights(settings.inception, settings.download_inception)
    Bank(Store(settings.results).cache, inception_weights=weights).check_ready(needs)
    every_job = (job_of(suite, (spec,)) for spec in suite.specs)
    check_components(every_job if jobs is None else jobs, settings.data)


def _status(store: Store, run_id: str) -> str:
    state = store.run(run_id).state()
    return state.status if state else "missing"


def manifest(suite: Suite) -> Manifest:
    """What the report needs to know of a suite."""
    evaluation = suite.evaluation
    scores = [score_key(evaluator, evaluation.samples) for evaluator in evaluation.evaluators]
    own_scores = sorted({own_key(spec.variant) for spec in suite.specs if spec.variant.measures})
    return Manifest(
        suite=suite.name,
        version=__version__,
        about=suite.about,
        runs={spec.run_id(): spec.columns() for spec in suite.specs},
        marks={spec.run_id(): evaluation.marks(spec) for spec in suite.specs},
        axes=suite.axes,
        select=suite.select,
        metrics={m.name: MetricInfo(m.better, _finite(m.low), _finite(m.high)) for m in evaluation.metrics},
        scores=(*scores, *own_scores),
        samples=evaluation.samples,
        budget=evaluation.budget,
        excluded=_excluded(suite),
        not_evaluated=tuple(NotEvaluated(s.dataset, s.evaluator, s.because) for s in evaluation.skipped),
        questions=suite.questions,
    )


def _excluded(suite: Suite) -> tuple[ExcludedCell, ...]:
    """Excluded cells, once for all seeds."""
    cells: dict[str, ExcludedCell] = {}
    for item in suite.excluded:
        columns = {name: value for name, value in item.spec.columns().items() if name != "seed"}
        cells[str(columns)] = ExcludedCell(columns, item.because)
    return tuple(cells.values())


def _finite(bound: float) -> float | None:
    return bound if abs(bound) != float("inf") else None
