"""The search: rounds of trials for all contenders together, halved at a rung, kept in a file that survives a stop.

A trial is an ordinary run on a seed that no suite reports (`FIRST_SEED` and up, the same for every contender). A
stopped search continues when the same line is run again: finished runs are kept, paused runs resume, and the study's
file holds the settings that were drawn. How a trial ended follows from the runs and the budget alone: of a contender
that was searched with a larger budget before, only the first trials count, judged as if there had been no others. A
random search tries the fields that contenders share, such as the learning rate, at the same values for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from ganbench.errors import DamagedRun, RequestError
from ganbench.results.names import path_in
from ganbench.rng import seed_of
from ganbench.runner import plan
from ganbench.spec import RunSpec, saved_columns
from ganbench.tuning.journal import SearchJournal
from ganbench.tuning.space import SearchedField, check_names, searched_fields, with_settings

if TYPE_CHECKING:
    from ganbench.results.store import Store
    from ganbench.runner.events import Listener
    from ganbench.runner.job import Job
    from ganbench.runner.run import Execution
    from ganbench.suite import Suite

Sampler = Literal["random", "tpe"]
FIRST_SEED = 1_000_000
ROUND = 4  # trials of a contender that are drawn together, whatever the number of workers
RUNG = 0.25  # the share of a run after which the worse half of a round is given up
SAMPLERS = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
TrialEnd = Literal["finished", "given up", "failed"]
STATES: Mapping[TrialEnd, TrialState] = {
    "finished": TrialState.COMPLETE,
    "given up": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


@dataclass(frozen=True)
class Budget:
    """How to search, the same for every contender. `only`: the fields to search; empty: all that declare a range."""

    metric: str
    better: Literal["lower", "higher"]
    trials: int
    only: tuple[str, ...] = ()
    sampler: Sampler = "random"


@dataclass(frozen=True)
class Trial:
    """A setting that was tried, and its result.

    `value`: the metric at the run's end, or at the rung for a trial that was given up there; None for one that
    diverged or failed.
    """

    settings: Mapping[str, float]
    ended: TrialEnd
    value: float | None


@dataclass(frozen=True)
class Tuned:
    """A contender after its trials, in their order."""

    contender: str
    columns: Mapping[str, Any]  # the contender's, with the searched fields at their defaults
    spec: RunSpec  # with the chosen settings; the seed is the contender's first
    seeds: tuple[int, ...]  # on which the chosen settings are reported; none was searched
    trials: tuple[Trial, ...]
    chosen: Mapping[str, float] | None  # the best settings of the trials that finished; None: none did


@dataclass(frozen=True)
class Contender:
    """A cell of the suite without the fields that are searched."""

    name: str
    spec: RunSpec
    seeds: tuple[int, ...]
    fields: tuple[SearchedField, ...]

    @property
    def study(self) -> str:
        """The name of its study in the journal."""
        return f"{self.name}; {', '.join(field.name for field in self.fields)}"

    def drawn(self, study: optuna.Study) -> list[FrozenTrial]:
        """The study's trials that have all their settings; one that a stop left without some is not counted."""
        names = {field.name for field in self.fields}
        return [trial for trial in study.get_trials(deepcopy=False) if trial.params.keys() == names]


@dataclass(frozen=True)
class SearchContext:
    """What every round needs."""

    suite: Suite
    store: Store
    execution: Execution
    listener: Listener
    budget: Budget

    def scores(self, spec: RunSpec) -> dict[int, float]:
        """The metric of a run by step. Raises `DamagedRun`."""
        content = self.store.run(spec.run_id()).read()
        rows = content.scores() if content else ()
        return {row["step"]: row["value"] for row in rows if row["metric"] == self.budget.metric}

    def value(self, spec: RunSpec, step: int) -> float | None:
        """The metric at a step; None where the run never reached it with a finite number. Raises `DamagedRun`."""
        value = self.scores(spec).get(step)
        return value if value is not None and math.isfinite(value) else None


@dataclass(frozen=True)
class TrialRun:
    """A trial of a study, its run, and the step at which the run may be given up."""

    study: optuna.Study
    trial: FrozenTrial
    spec: RunSpec
    rung: int


def contenders(suite: Suite, budget: Budget) -> list[Contender]:
    """The suite's cells that differ in more than the searched fields, in their order, each with all its seeds."""
    cells: dict[RunSpec, list[RunSpec]] = {}
    for spec in suite.specs:
        defaults = {field.name: field.default(spec) for field in searched_fields(spec, budget.only)}
        cells.setdefault(replace(with_settings(spec, defaults), seed=0), []).append(spec)
    return [
        Contender(_name(base), base, tuple(dict.fromkeys(s.seed for s in specs)), searched_fields(base, budget.only))
        for base, specs in cells.items()
    ]


def tune(context: SearchContext, folder: Path) -> list[Tuned]:
    """Spend the budget on every contender. `folder` keeps the studies; the runs lie with all others."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    budget, competing = context.budget, contenders(context.suite, context.budget)
    name = f"{context.suite.name}-{budget.metric.replace('/', '_')}-{budget.sampler}"
    journal = SearchJournal(path_in(folder, name, ".journal"), context.listener.say)
    context.listener.say(f"`optuna-dashboard {journal.file}` shows the trials (pip install optuna-dashboard)")
    names = [contender.study for contender in competing]
    studies = journal.studies(names, "minimize" if budget.better == "lower" else "maximize")
    trials: list[list[Trial]] = [[] for _ in competing]
    for start in range(0, budget.trials, ROUND):
        numbers = range(start, min(start + ROUND, budget.trials))
        drawn = [_draw(context, *pair, numbers) for pair in zip(competing, studies, strict=True)]
        for of_contender, ended in zip(trials, _run_round(context, drawn), strict=True):
            of_contender += ended
        journal.seal()
    return [_tuned(contender, ended, budget) for contender, ended in zip(competing, trials, strict=True)]


def _draw(context: SearchContext, contender: Contender, study: optuna.Study, numbers: range) -> list[TrialRun]:
    """A contender's trials of these numbers, drawn where the study doesn't have them yet."""
    for number in range(len(contender.drawn(study)), numbers.stop):
        # the same stream for every contender: shared fields are tried at the same values
        study.sampler = SAMPLERS[context.budget.sampler](seed=seed_of(FIRST_SEED, "tune", number))
        trial = study.ask()
        for field in contender.fields:
            trial.suggest_float(field.name, field.search.low, field.search.high, log=field.search.log)
    rung = _rung(context.suite, contender.spec)
    trials = contender.drawn(study)
    return [TrialRun(study, trials[number], _spec(contender, trials[number], number), rung) for number in numbers]


def _run_round(context: SearchContext, drawn: Sequence[Sequence[TrialRun]]) -> list[list[Trial]]:
    """Run a round of every contender: to the rung, where the worse half is given up, then to the end.

    Which runs are given up depends on the whole round as the files have it, so a stop in the middle changes nothing.
    """
    _run(context, [(trial.spec, trial.rung) for trials in drawn for trial in trials])
    kept = {trial.spec for trials in drawn for trial in _better_half(context, trials)}
    _run(context, [(trial.spec, None) for trials in drawn for trial in trials if trial.spec in kept])
    return [[_end(context, trial, trial.spec in kept) for trial in trials] for trials in drawn]


def _better_half(context: SearchContext, trials: Sequence[TrialRun]) -> list[TrialRun]:
    """By the metric at the rung; of equals the earlier."""
    ranked = sorted(trials, key=lambda trial: _badness(context.value(trial.spec, trial.rung), context.budget))
    return ranked[: math.ceil(len(ranked) / 2)]


def _end(context: SearchContext, drawn: TrialRun, kept: bool) -> Trial:
    """The result of a trial, which goes into its study once."""
    step = drawn.spec.steps if kept else drawn.rung
    value = context.value(drawn.spec, step)
    ended: TrialEnd = "failed" if value is None else "finished" if step == drawn.spec.steps else "given up"
    if drawn.trial.state == TrialState.RUNNING:
        drawn.study.tell(drawn.trial.number, value if ended == "finished" else None, state=STATES[ended])
    return Trial(_rounded(drawn.trial.params), ended, value)


def _run(context: SearchContext, runs: Sequence[tuple[RunSpec, int | None]]) -> None:
    """Bring runs to a step, or to their end; those that are there already cost nothing."""
    jobs = []
    for spec, until in runs:
        job = replace(plan.job_of(context.suite, (spec,)), until=until, budget=None)
        if not _is_there(context, job):
            jobs.append(job)
    if jobs:
        steps = sum(job.until or job.specs[0].steps for job in jobs)
        context.listener.begin(f"tuning {context.suite.name}", len(jobs), steps)
        context.execution.do(jobs, context.listener)


def _is_there(context: SearchContext, job: Job) -> bool:
    """Whether a trial needs no work: it failed, or has its scores until the job's end. A damaged one is done again."""
    spec = job.specs[0]
    folder = context.store.run(spec.run_id())
    try:
        state = folder.check()
        reached = state is not None and job.until is not None and job.until in context.scores(spec)
    except DamagedRun as damage:
        context.listener.say(str(damage))
        return False
    if state is None:
        return False
    whole = plan.complete(job, state) and not plan.has_repairs(folder, state, spec)
    return state.status == "failed" or (reached and not state.finished) or whole


def _rung(suite: Suite, spec: RunSpec) -> int:
    """The first mark after a quarter of the run."""
    return next(mark for mark in suite.evaluation.marks(spec) if mark >= RUNG * spec.steps)


def _spec(contender: Contender, trial: FrozenTrial, number: int) -> RunSpec:
    return replace(with_settings(contender.spec, _rounded(trial.params)), seed=FIRST_SEED + number)


def _badness(value: float | None, budget: Budget) -> float:
    if value is None:
        return math.inf
    return value if budget.better == "lower" else -value


def _tuned(contender: Contender, trials: Sequence[Trial], budget: Budget) -> Tuned:
    finished = [trial for trial in trials if trial.ended == "finished"]
    best = min(finished, key=lambda trial: _badness(trial.value, budget), default=None)
    spec = replace(with_settings(contender.spec, best.settings if best else {}), seed=contender.seeds[0])
    columns = {name: value for name, value in contender.spec.columns().items() if name != "seed"}
    return Tuned(contender.name, columns, spec, contender.seeds, tuple(trials), best.settings if best else None)


def budget(suite: Suite, metric: str | None, trials: int, only: Sequence[str], sampler: Sampler) -> Budget:
    """What to search by: `metric`, else the first that the suite measures. Raises `RequestError` for a bad name."""
    known = {metric.name: metric.better for metric in suite.evaluation.metrics}
    judging = [name for name, better in known.items() if better != "neither"]
    name = metric or next(iter(judging), "")
    better = known.get(name, "neither")
    if better == "neither":
        raise RequestError("--metric", f"the suite measures no {name!r}", ", ".join(judging) or "nothing",
                           "choose one of these, or add its evaluator to the suite")  # fmt: skip
    check_names(suite.specs, only)
    return Budget(name, better, trials, tuple(only), sampler)


def report_suite(suite: Suite, budget: Budget, tuned: Sequence[Tuned]) -> Suite:
    """The suite of the chosen settings, on the seeds of the suite, none of which was searched."""
    about = f"{suite.about} Each contender with the best of {budget.trials} trials by {budget.metric}."
    name, specs = f"{suite.name}-tuned", tuple(fresh(tuned))
    return replace(suite, name=name, about=about.strip(), specs=specs, excluded=(), narrowed_from=None)


def fresh(tuned: Sequence[Tuned]) -> Iterator[RunSpec]:
    """The runs on which the chosen settings are reported."""
    for contender in tuned:
        if contender.chosen is not None:
            for seed in contender.seeds:
                yield replace(contender.spec, seed=seed)


def _rounded(params: Mapping[str, float]) -> dict[str, float]:
    """Three digits are enough for a setting, and can be read in a table."""
    return {name: float(f"{value:.3g}") for name, value in params.items()}


def _name(spec: RunSpec) -> str:
    """The contender's value on each axis but the seed, without those that files leave out, so that names stay."""
    return ", ".join(str(value) for name, value in saved_columns(spec).items() if name != "seed")
