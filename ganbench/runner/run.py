"""Carries out a plan: check, execute, sum up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ganbench import __version__
from ganbench.datasets.base import Downloadable
from ganbench.errors import DamagedRun
from ganbench.features.bank import Bank
from ganbench.features.inception import InceptionWeights
from ganbench.features.memory import free_memory, unfit_for
from ganbench.results.manifest import ExcludedCell, Manifest, MetricInfo, NotEvaluated, planning, write_manifest
from ganbench.results.store import Store
from ganbench.runner.dry_pass import check_components, check_packs
from ganbench.runner.events import Ended
from ganbench.runner.gpu_memory import free_on
from ganbench.runner.job import Job, own_key, score_key
from ganbench.runner.packing import Packs, cells_of, fixed_packs, planned_packs
from ganbench.runner.plan import job_of, make, packs_by_look
from ganbench.runner.settings import WorkerSettings

if TYPE_CHECKING:
    from pathlib import Path

    from ganbench.executors.base import Executor, Session
    from ganbench.runner.events import Listener
    from ganbench.runner.plan import Plan
    from ganbench.suite import Suite


OVER = ("done", "diverged", "failed")


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
    session: Session | None = None  # with workers that stay; None: every `do` has a session of its own

    def workers(self, jobs: int) -> list[WorkerSettings]:
        """The settings of each worker, who share the free memory of the machine, and of each GPU.

        Where jobs are given to GPUs by memory, a job may take all that is free.
        """
        devices = self.devices[:jobs]
        if self.executor.elsewhere:
            return [replace(self.settings, device=device) for device in devices]
        free = {device: free_on(device) for device in set(devices)}
        sharers = {device: 1 if self.settings.by_memory else devices.count(device) for device in free}
        shares = {device: count // sharers[device] for device, count in free.items() if count is not None}
        settings = replace(self.settings, memory=self.share(jobs))
        return [replace(settings, device=device, device_memory=shares.get(device)) for device in devices]

    def share(self, jobs: int) -> int | None:
        """The bytes of free memory of each worker; None where they are not known here."""
        return None if self.executor.elsewhere else memory_share(min(len(self.devices), jobs))

    @contextmanager
    def kept(self, jobs: int) -> Iterator[Execution]:
        """This execution with workers for so many jobs at once, who stay until the context is left."""
        with self.executor.open(self.workers(jobs), keep=True) as session:
            yield replace(self, session=session)

    def do(self, jobs: Iterable[Job], listener: Listener) -> set[str]:
        """Do the jobs; the ids of the runs that failed. A run of which the executor says nothing has failed too."""
        jobs = list(jobs)
        if self.session is not None:
            return self._do(jobs, self.session, listener)
        with self.executor.open(self.workers(len(jobs))) as session:
            return self._do(jobs, session, listener)

    def _do(self, jobs: Sequence[Job], session: Session, listener: Listener) -> set[str]:
        silent = {run_id for job in jobs for run_id in job.run_ids}
        failed: set[str] = set()
        for ended in session.run(jobs, listener.hear):
            silent.discard(ended.run_id)
            failed |= {ended.run_id} if ended.status == "failed" else set()
            listener.hear(ended)
        for run_id in sorted(silent):
            error = f"the executor {self.executor.kind()!r} ended without a word of this run"
            listener.hear(Ended(run_id, "failed", error=error))
        return failed | silent


@dataclass(frozen=True)
class RunSummary:
    """What `ganbench run --json` ends with.

    `done` and `diverged` count the runs that are in the results now, `failed` all others.
    """

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
    plan, notes = without_failing_packs(plan, store)
    plan = settled(plan, store)
    share = execution.share(len(plan.jobs))
    for text in (*notes, *plan.damaged, *memory_warnings(suite, execution.settings.data, share)):
        listener.say(text)
    failed: set[str] = set()
    try:
        if mirror:
            mirror.start(suite.name, [spec.run_id() for spec in suite.specs])
        if plan.jobs:
            listener.begin(suite.name, plan.to_run, sum(spec.steps for job in plan.jobs for spec in job.specs))
            failed = execution.do(plan.jobs, listener)
    finally:
        listener.close()
        if mirror:
            mirror.close()
    run_ids = [spec.run_id() for spec in suite.specs]
    statuses = {run_id: "failed" if run_id in failed else _status(store, run_id) for run_id in run_ids}
    for run_id, status in statuses.items():
        if status not in OVER:
            listener.say(f"{run_id} is {status}; run the same line again")
    return _summary(plan, Counter(statuses.values()), time.monotonic() - began)


def _summary(plan: Plan, total: Counter[str], seconds: float) -> RunSummary:
    """The summary of a plan that has been carried out, from how many runs have each status."""
    return RunSummary(
        suite=plan.suite.name,
        runs=total.total(),
        done=total["done"],
        diverged=total["diverged"],
        failed=total.total() - total["done"] - total["diverged"],
        excluded=len(plan.suite.excluded),
        skipped=len(plan.done),
        seconds=round(seconds, 1),
    )


def joined(stages: Sequence[RunSummary]) -> RunSummary:
    """The summary of a suite that was run in stages."""
    return RunSummary(
        suite=stages[0].suite,
        runs=sum(stage.runs for stage in stages),
        done=sum(stage.done for stage in stages),
        diverged=sum(stage.diverged for stage in stages),
        failed=sum(stage.failed for stage in stages),
        excluded=sum(stage.excluded for stage in stages),
        skipped=sum(stage.skipped for stage in stages),
        seconds=round(sum(stage.seconds for stage in stages), 1),
    )


def without_failing_packs(plan: Plan, store: Store) -> tuple[Plan, list[str]]:
    """The plan with the runs alone whose components, a user's, fail in a pack, and a note for each reason.

    Only packs that are planned now are tried; others were tried when they were planned.
    """
    specs = plan.suite.whole.specs
    fixed = fixed_packs(specs, store)
    new = [spec for spec in specs if spec.run_id() not in fixed and len(plan.packs[spec.run_id()]) > 1]
    reasons = check_packs(cells_of(new), plan.packing.data)
    if not reasons:
        return plan, []
    packing = replace(plan.packing, alone=plan.packing.alone | reasons.keys())
    texts = dict.fromkeys(reasons.values())
    return make(plan.suite, store, packing, plan.retry_failed), [
        f"trained alone, not in packs: {text}" for text in texts
    ]


def settled(plan: Plan, store: Store) -> Plan:
    """Write the manifest, with the packs. A plan that is older than another process's follows that one's packs."""
    suite = plan.suite
    with planning(store):
        if packs_by_look(suite, store, plan.packing) != plan.packs:
            plan = make(suite, store, plan.packing, plan.retry_failed)
        earlier = planned_packs(store, [suite.name])
        write_manifest(store, manifest(suite.whole, {**earlier, **plan.packs}))
    return plan


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


def memory_share(workers: int) -> int | None:
    """The bytes of free memory for each of some workers; None where they are not known."""
    free = free_memory()
    return None if free is None else free // max(workers, 1)


def memory_warnings(suite: Suite, root: Path | None, share: int | None) -> Iterator[str]:
    """A sentence for each dataset and evaluator that can't fit into a worker's share of the memory."""
    for dataset in dict.fromkeys(spec.dataset for spec in suite.specs):
        spec = next(spec for spec in suite.specs if spec.dataset == dataset)
        evaluators = suite.evaluation.evaluators_for(spec)
        reasons = unfit_for(dataset.space(root), evaluators, suite.evaluation.samples, share)
        for name, reason in reasons.items():
            yield f"{dataset.notation()}: {name} will be left out at every mark: {reason}"


def _status(store: Store, run_id: str) -> str:
    try:
        state = store.run(run_id).check()
    except DamagedRun:
        return "damaged"
    return state.status if state else "missing"


def manifest(suite: Suite, packs: Packs | None = None) -> Manifest:
    """What the report needs to know of a suite, and the packs of its runs and of others that it had planned."""
    evaluation = suite.evaluation
    scores = [score_key(evaluator, evaluation.samples) for evaluator in evaluation.evaluators]
    own_scores = sorted({own_key(spec.variant) for spec in suite.specs if spec.variant.measures})
    return Manifest(
        suite=suite.name,
        version=__version__,
        about=suite.about,
        runs={spec.run_id(): spec.columns() for spec in suite.specs},
        marks={spec.run_id(): evaluation.marks(spec) for spec in suite.specs},
        packs=packs or {},
        axes=suite.axes,
        select=suite.select,
        metrics={m.name: MetricInfo(m.better, _finite(m.low), _finite(m.high), m.unit) for m in evaluation.metrics},
        scores=(*scores, *own_scores),
        samples=evaluation.samples,
        budget=evaluation.budget,
        excluded=_excluded(suite),
        not_evaluated=tuple(NotEvaluated(s.dataset, s.evaluator, s.because) for s in evaluation.skipped),
        questions=suite.questions,
        looks=suite.looks,
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
