"""Carries out `ganbench run` for one suite: plan, execute, mirror, sum up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench import __version__
from ganbench.cli.progress import Talk
from ganbench.datasets.base import Downloadable
from ganbench.executors.base import Executor, Site
from ganbench.features.bank import Bank
from ganbench.results.manifest import ExcludedCell, Manifest, MetricInfo, NotEvaluated, write_manifest
from ganbench.results.store import Store
from ganbench.runner import plan
from ganbench.runner.job import score_key
from ganbench.runner.scores import own_key
from ganbench.tracking import Mirror, resolve

if TYPE_CHECKING:
    from ganbench.runner.plan import Plan
    from ganbench.suite import Suite


@dataclass(frozen=True)
class Request:
    """How to run a suite, as the command line says it."""

    site: Site
    executor: Callable[[Site], Executor]
    tracking_uri: str | None = None
    retry_failed: bool = False
    pack: int = 1


@dataclass(frozen=True)
class Summary:
    """What `ganbench run --json` ends with. `done` and `diverged` count the runs that are in the results now."""

    suite: str
    runs: int
    done: int
    diverged: int
    failed: int
    excluded: int
    skipped: int  # were there already
    seconds: float


def preview(suite: Suite, request: Request) -> Plan:
    """The plan of a run; nothing is written."""
    return plan.make(suite, Store(request.site.results), request.retry_failed, request.pack)


def run(suite: Suite, whole: Suite, request: Request, talk: Talk) -> Summary:
    """Do what is left of a suite. `whole` is the suite without `--only`: what the report will be about.

    Raises `RequestError` before anything runs when the results folder, data or weights can't be had.
    """
    began = time.monotonic()
    store = Store(request.site.results).open()
    check_ready(suite, request.site)
    uri = resolve(request.tracking_uri, request.site.results)
    write_manifest(store, manifest(whole))
    todo = plan.make(suite, store, request.retry_failed, request.pack)
    for text in todo.damaged:
        talk.say(text)
    mirror = Mirror(store, uri, talk.say) if uri else None
    try:
        if mirror:
            mirror.start(suite.name, [spec.run_id() for spec in suite.specs])
        statuses = _execute(todo, request, talk)
    finally:
        talk.close()
        if mirror:
            mirror.close()
    earlier = Counter(_status(store, spec.run_id()) for spec in (*todo.done, *todo.failed))
    total = earlier + statuses
    return Summary(
        suite=suite.name,
        runs=len(suite.specs),
        done=total["done"],
        diverged=total["diverged"],
        failed=total["failed"],
        excluded=len(suite.excluded),
        skipped=len(todo.done),
        seconds=round(time.monotonic() - began, 1),
    )


def check_ready(suite: Suite, site: Site) -> None:
    """What a run would miss only after minutes is missed now."""
    for dataset in {spec.dataset for spec in suite.specs}:
        if isinstance(dataset, Downloadable):
            dataset.check(site.data)
    needs = {feature for evaluator in suite.evaluation.evaluators for feature in evaluator.needs()}
    Bank(cache=Store(site.results).cache, inception_weights=site.inception).check_ready(needs)


def _execute(todo: Plan, request: Request, talk: Talk) -> Counter[str]:
    """Do the jobs; how many runs ended in which status."""
    statuses: Counter[str] = Counter()
    if not todo.jobs:
        return statuses
    talk.begin(todo.suite.name, todo.to_run, sum(spec.steps for job in todo.jobs for spec in job.specs))
    with closing(request.executor(request.site).run(todo.jobs, talk.hear)) as outcomes:  # closing stops its workers
        for outcome in outcomes:
            statuses[outcome.status] += 1
            talk.end(outcome)
    return statuses


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
