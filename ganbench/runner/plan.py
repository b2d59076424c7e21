"""Which runs of a suite are done, excluded or to do, and in which jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.errors import DamagedRun
from ganbench.results.journal import surplus
from ganbench.results.store import RunFolder, State, Store
from ganbench.runner.job import Job, spec_file
from ganbench.runner.packing import Packing, Packs, cells_of, packs_of

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
    packs: Packs  # of every run of the whole suite, also of those that `--only` leaves out
    packing: Packing
    retry_failed: bool

    @property
    def to_run(self) -> int:
        return sum(len(job.specs) for job in self.jobs)

    def headline(self, workers: str) -> str:
        """`stability: 80 runs = 30 done + 4 excluded + 46 to run; 2 workers on cpu`."""
        parts = {
            "done": len(self.done),
            "failed before (--retry-failed runs them again)": len(self.failed),
            "excluded": len(self.suite.excluded),
            "to run": self.to_run,
        }
        counts = " + ".join(f"{count} {name}" for name, count in parts.items() if count or name in ("done", "to run"))
        return f"{self.suite.name}: {sum(parts.values())} runs = {counts}{self._packed()}; {workers}"

    def _packed(self) -> str:
        """` in 16 packs of up to 5 seeds`, or nothing where every run is alone."""
        widest = max((len(job.trained) for job in self.jobs), default=1)
        packs = "1 pack" if len(self.jobs) == 1 else f"{len(self.jobs)} packs"
        return f" in {packs} of up to {widest} seeds" if widest > 1 else ""


def make(suite: Suite, store: Store, packing: Packing | None = None, retry_failed: bool = False) -> Plan:
    """Compare a suite with what a results folder holds. `packing` is for the runs that are planned now."""
    packing = packing or Packing()
    packs = packs_by_look(suite, store, packing)
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
    jobs = tuple(_jobs_of(suite, todo, packs))
    return Plan(suite, tuple(done), tuple(failed), jobs, tuple(damaged), packs, packing, retry_failed)


def packs_by_look(suite: Suite, store: Store, packing: Packing) -> Packs:
    """The pack of every run of the whole suite. Runs of two looks never share one."""
    return {run_id: pack for specs in suite.whole.by_look for run_id, pack in packs_of(specs, store, packing).items()}


def job_of(suite: Suite, specs: tuple[RunSpec, ...], pack: tuple[int, ...] = ()) -> Job:
    """The job of runs of one cell of a suite, which are trained in a pack of these seeds."""
    spec, evaluation = specs[0], suite.evaluation
    evaluators = evaluation.evaluators_for(spec)
    marks = evaluation.marks(spec)
    return Job(specs, marks, evaluation.samples, evaluators, budget=evaluation.budget, pack=pack)


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


def lacks_networks(job: Job, state: State) -> bool:
    """Whether a finished run lacks a score of networks that it keeps no more; only training has them."""
    wanted = job.wanted()
    return any(wanted[key].reads_networks for keys in missing(job, state).values() for key in keys)


def _jobs_of(suite: Suite, specs: Sequence[RunSpec], packs: Packs) -> Iterator[Job]:
    """A job for the runs of each pack."""
    for members in cells_of(specs).values():
        shared: dict[tuple[int, ...], list[RunSpec]] = {}
        for spec in members:
            shared.setdefault(packs[spec.run_id()], []).append(spec)
        yield from (job_of(suite, tuple(runs), pack) for pack, runs in shared.items())
