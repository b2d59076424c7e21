"""Which runs of a suite are done, excluded or to do, and in which jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ganbench.errors import DamagedRun
from ganbench.results.journal import surplus
from ganbench.results.store import RunFolder, State, Store
from ganbench.runner.job import Job, spec_file

if TYPE_CHECKING:
    from ganbench.spec import RunSpec
    from ganbench.suite import Suite


@dataclass(frozen=True)
class Plan:
    """What a `ganbench run` will do; made once."""

    suite: Suite
    done: tuple[RunSpec, ...]  # finished and scored as this suite asks: nothing to do
    failed: tuple[RunSpec, ...]  # failed before and not retried
    jobs: tuple[Job, ...]
    damaged: tuple[str, ...]  # a sentence for each damaged run folder, whose run is done again

    @property
    def to_run(self) -> int:
        return sum(len(job.specs) for job in self.jobs)

    def headline(self, workers: str) -> str:
        """`stability: 80 runs = 30 done + 4 excluded + 46 to run; 2 workers on cpu`."""
        parts = {
            "done": len(self.done),
            "failed before (type --retry-failed to try again)": len(self.failed),
            "excluded": len(self.suite.excluded),
            "to run": self.to_run,
        }
        counts = " + ".join(f"{count} {name}" for name, count in parts.items() if count or name in ("done", "to run"))
        return f"{self.suite.name}: {sum(parts.values())} runs = {counts}; {workers}"


def make(suite: Suite, store: Store, retry_failed: bool = False, pack: int = 1) -> Plan:
    """Compare a suite with what a results folder holds. `pack`: how many seeds of a cell to train as one program."""
    done, failed, todo, damaged = [], [], [], []
    for spec in suite.specs:
        job = job_of(suite, (spec,))
        folder = store.run(spec.run_id())
        try:
            state = folder.check()
        except DamagedRun as error:
            damaged.append(str(error))
            state = None
        if state is not None and complete(job, state) and not has_repairs(folder, state, spec):
            done.append(spec)
        elif state is not None and state.status == "failed" and not retry_failed:
            failed.append(spec)
        else:
            todo.append(spec)
    jobs = tuple(job_of(suite, cell) for cell in _packs(todo, pack))
    return Plan(suite, tuple(done), tuple(failed), jobs, tuple(damaged))


def job_of(suite: Suite, specs: tuple[RunSpec, ...]) -> Job:
    """The job of runs of one cell of a suite."""
    spec, evaluation = specs[0], suite.evaluation
    evaluators = evaluation.evaluators_for(spec)
    return Job(specs, evaluation.marks(spec), evaluation.samples, evaluators, budget=evaluation.budget)


def complete(job: Job, state: State | None) -> bool:
    """Whether the run is finished and holds every score that the job asks for."""
    return state is not None and state.finished and not missing(job, state)


def has_repairs(folder: RunFolder, state: State, spec: RunSpec) -> bool:
    """Whether the folder of a finished run has damage that is repaired without training."""
    return bool(surplus(folder, state)) or not has_spec(folder, spec)


def has_spec(folder: RunFolder, spec: RunSpec) -> bool:
    """Whether `spec.json` holds what it should."""
    try:
        return folder.read_json("spec.json") == spec_file(spec)
    except DamagedRun:
        return False


def missing(job: Job, state: State) -> dict[int, tuple[str, ...]]:
    """The marks of a finished run that lack scores, with the keys of the evaluators that have not scored there.

    A mark that was skipped to keep to a budget lacks nothing, as long as the job has a budget.
    """
    last = state.diverged["step"] - 1 if state.diverged else state.step
    marks = [mark for mark in job.marks if job.budget is None or mark not in state.skipped_marks]
    wanted = {mark: tuple(k for k in job.wanted() if mark not in state.scored.get(k, ())) for mark in marks}
    return {mark: keys for mark, keys in wanted.items() if keys and mark <= last}


def _packs(specs: Iterable[RunSpec], size: int) -> list[tuple[RunSpec, ...]]:
    """Runs that differ only in their seed, in groups of at most `size`; a run that can't be packed is alone."""
    cells: dict[RunSpec, list[RunSpec]] = {}
    for spec in specs:
        cells.setdefault(replace(spec, seed=0), []).append(spec)
    packs = []
    for cell, members in cells.items():
        width = size if cell.variant.stackable else 1
        packs += [tuple(members[i : i + width]) for i in range(0, len(members), width)]
    return packs
