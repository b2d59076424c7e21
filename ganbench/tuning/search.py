"""The search: rounds of trials for every contender at once, halved at a rung, kept in a file that survives a stop.

A trial is an ordinary run on a seed that no suite reports (`FIRST_SEED` and up, the same for every contender), so a
stopped search goes on by typing it again: finished runs are there, paused ones resume, and the study's file holds the
settings that were asked for. A random search tries the fields that contenders share, such as the learning rate, at the
same values for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from ganbench import plan
from ganbench.errors import RequestError
from ganbench.rng import seed_of
from ganbench.tuning.space import Knob, check_names, knobs, turned

if TYPE_CHECKING:
    from ganbench.executors.base import Executor
    from ganbench.progress import Talk
    from ganbench.spec import RunSpec
    from ganbench.store import Store
    from ganbench.suite import Suite

Sampler = Literal["random", "tpe"]
FIRST_SEED = 1_000_000
ROUND = 4  # trials of a contender that are asked for together, whatever the number of workers
RUNG = 0.25  # the share of a run after which the worse half of a round is given up


@dataclass(frozen=True)
class Budget:
    """How to search, the same for every contender. `only`: the knobs to turn; none named: all that there are."""

    metric: str
    better: Literal["lower", "higher"]
    trials: int
    only: tuple[str, ...] = ()
    sampler: Sampler = "random"


@dataclass(frozen=True)
class Tuned:
    """A contender after its trials, in their order; a value is None where a trial diverged, failed or was given up."""

    contender: str
    columns: Mapping[str, Any]  # the contender's, with what was searched at its defaults
    spec: RunSpec  # with the chosen settings; the seed is the contender's first
    seeds: tuple[int, ...]  # the fresh ones, on which it is to be reported
    trials: tuple[tuple[dict[str, Any], float | None], ...]
    chosen: Mapping[str, Any] | None  # None: no trial has a value


@dataclass(frozen=True)
class Contender:
    """A cell of the suite without what is searched, and its study."""

    name: str
    spec: RunSpec
    seeds: tuple[int, ...]
    knobs: tuple[Knob, ...]


@dataclass(frozen=True)
class Desk:
    """What every round needs."""

    suite: Suite
    store: Store
    executor: Callable[[], Executor]  # a fresh one for each round
    talk: Talk
    budget: Budget


def contenders(suite: Suite, budget: Budget) -> list[Contender]:
    """The suite's cells that differ in more than what is searched, in their order, each with all its seeds."""
    found: dict[RunSpec, list[RunSpec]] = {}
    for spec in suite.specs:
        defaults = {knob.name: _default(spec, knob) for knob in knobs(spec, budget.only)}
        found.setdefault(replace(turned(spec, defaults), seed=0), []).append(spec)
    return [
        Contender(_name(base), base, tuple(dict.fromkeys(s.seed for s in specs)), knobs(base, budget.only))
        for base, specs in found.items()
    ]


def tune(desk: Desk, folder: Path) -> list[Tuned]:
    """Spend the budget on every contender. `folder` keeps the studies; the runs lie with all others."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    budget = desk.budget
    file = folder / f"{desk.suite.name}-{budget.metric}-{budget.sampler}.journal"
    storage = JournalStorage(JournalFileBackend(str(file)))
    direction: Literal["minimize", "maximize"] = "minimize" if budget.better == "lower" else "maximize"
    found = contenders(desk.suite, budget)
    studies = {
        one.name: optuna.create_study(storage=storage, study_name=_study(one), direction=direction, load_if_exists=True)
        for one in found
    }
    while asked := [(one, study, trials) for one in found if (trials := _ask(one, study := studies[one.name], budget))]:
        _round(desk, asked)
    return [_tuned(one, studies[one.name]) for one in found]


Asked = Sequence[tuple[Contender, optuna.Study, list[FrozenTrial]]]


def _ask(one: Contender, study: optuna.Study, budget: Budget) -> list[FrozenTrial]:
    """The round that has trials without an answer; else a new one, while the budget lasts."""
    trials = study.get_trials(deepcopy=False)
    if not any(trial.state == TrialState.RUNNING for trial in trials):
        samplers = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
        for number in range(len(trials), min(len(trials) + ROUND, budget.trials)):
            # the same stream for every contender: what they share is tried at the same values, by luck of none
            study.sampler = samplers[budget.sampler](seed=seed_of(FIRST_SEED, "tune", number))
            trial = study.ask()
            for knob in one.knobs:
                trial.suggest_float(knob.name, knob.search.low, knob.search.high, log=knob.search.log)
        trials = study.get_trials(deepcopy=False)
    opened = {trial.number // ROUND for trial in trials if trial.state == TrialState.RUNNING}
    return [trial for trial in trials if trial.number // ROUND in opened]


def _round(desk: Desk, asked: Asked) -> None:
    """Run a round of every contender: to the rung, where the worse half is given up, then to the end.

    Who is given up depends on the whole round as the files have it, so a stop in the middle changes nothing.
    """
    rung = {one.name: _rung(desk.suite, one.spec) for one, _, _ in asked}
    _run(desk, [(_spec(one, trial), rung[one.name]) for one, _, trials in asked for trial in trials])
    kept = []
    for one, study, trials in asked:
        values = {trial.number: _value(desk, _spec(one, trial), rung[one.name]) for trial in trials}
        ranked = sorted(trials, key=lambda trial: (_badness(values[trial.number], desk.budget), trial.number))
        half = math.ceil(len(ranked) / 2)
        kept += [(one, study, trial) for trial in ranked[:half]]
        for trial in ranked[half:]:
            _tell(study, trial, None, TrialState.FAIL if values[trial.number] is None else TrialState.PRUNED)
    _run(desk, [(_spec(one, trial), None) for one, _, trial in kept])
    for one, study, trial in kept:
        value = _value(desk, _spec(one, trial), one.spec.steps)
        _tell(study, trial, value, TrialState.FAIL if value is None else TrialState.COMPLETE)


def _tell(study: optuna.Study, trial: FrozenTrial, value: float | None, state: TrialState) -> None:
    if trial.state == TrialState.RUNNING:
        study.tell(trial.number, value, state=state)


def _run(desk: Desk, runs: Sequence[tuple[RunSpec, int | None]]) -> None:
    """Bring runs to a step, or to their end: those that are there already cost nothing."""
    jobs = []
    for spec, until in runs:
        folder, job = desk.store.run(spec.run_id()), replace(plan.job_of(desk.suite, (spec,)), until=until, budget=None)
        state = folder.state()
        failed = state is not None and state.status == "failed"
        there = until is not None and state is not None and until in _scored(desk, spec)
        if not failed and not there and not plan.complete(job, state):
            jobs.append(job)
    if not jobs:
        return
    desk.talk.begin(f"tuning {desk.suite.name}", len(jobs), sum(job.until or job.specs[0].steps for job in jobs))
    for outcome in desk.executor().run(jobs, desk.talk.hear):
        desk.talk.end(replace(outcome, status="paused") if outcome.status == "running" else outcome)


def _rung(suite: Suite, spec: RunSpec) -> int:
    """The first mark after a quarter of the run."""
    return next(mark for mark in suite.evaluation.marks(spec) if mark >= RUNG * spec.steps)


def _spec(one: Contender, trial: FrozenTrial) -> RunSpec:
    return replace(turned(one.spec, _plain(trial.params)), seed=FIRST_SEED + trial.number)


def _scored(desk: Desk, spec: RunSpec) -> dict[int, float]:
    """The metric of a run by step."""
    rows = desk.store.run(spec.run_id()).rows("scores.jsonl")
    return {row["step"]: row["value"] for row in rows if row["metric"] == desk.budget.metric}


def _value(desk: Desk, spec: RunSpec, step: int) -> float | None:
    """The metric at a step; None where the run never got there with a finite number."""
    value = _scored(desk, spec).get(step)
    return value if value is not None and math.isfinite(value) else None


def _badness(value: float | None, budget: Budget) -> float:
    if value is None:
        return math.inf
    return value if budget.better == "lower" else -value


def _tuned(one: Contender, study: optuna.Study) -> Tuned:
    trials = study.get_trials(deepcopy=False)
    pairs = tuple((_plain(t.params), t.value if t.state == TrialState.COMPLETE else None) for t in trials)
    chosen = _plain(study.best_params) if any(value is not None for _, value in pairs) else None
    spec = replace(turned(one.spec, chosen or {}), seed=one.seeds[0])
    columns = {name: value for name, value in one.spec.columns().items() if name != "seed"}
    return Tuned(one.name, columns, spec, one.seeds, pairs, chosen)


def budget(suite: Suite, metric: str | None, trials: int, only: Sequence[str], sampler: Sampler) -> Budget:
    """What to search by: `metric`, or else the first that the suite measures. Raises `RequestError` for a bad name."""
    known = {one.name: one.better for one in suite.evaluation.metrics}
    judging = [name for name, better in known.items() if better != "neither"]
    name = metric or next(iter(judging), "")
    better = known.get(name, "neither")
    if better == "neither":
        raise RequestError("--metric", f"the suite measures no {name!r}", ", ".join(judging) or "nothing",
                           "choose one, or add its evaluator to the suite")  # fmt: skip
    check_names(suite.specs, only)
    return Budget(name, better, trials, tuple(only), sampler)


def report_suite(suite: Suite, budget: Budget, tuned: Sequence[Tuned]) -> Suite:
    """The suite of the chosen settings, on the seeds of the suite, none of which was searched."""
    about = f"{suite.about} Each contender with the best of {budget.trials} trials by {budget.metric}."
    return replace(suite, name=f"{suite.name}-tuned", about=about.strip(), specs=tuple(fresh(tuned)), excluded=())


def _plain(params: Mapping[str, float]) -> dict[str, float]:
    """Three digits are enough for a setting, and can be read in a table."""
    return {name: float(f"{value:.3g}") for name, value in params.items()}


def _default(spec: RunSpec, knob: Knob) -> Any:
    return type(getattr(spec, knob.part)).__dataclass_fields__[knob.field].default


def _name(spec: RunSpec) -> str:
    """The contender on the axes of a table, without the seed."""
    return ", ".join(str(value) for name, value in spec.columns().items() if name != "seed")


def _study(one: Contender) -> str:
    return f"{one.name}; {', '.join(knob.name for knob in one.knobs)}"


def fresh(tuned: Sequence[Tuned]) -> Iterator[RunSpec]:
    """The runs on which the chosen settings are reported."""
    for one in tuned:
        if one.chosen is not None:
            for seed in one.seeds:
                yield replace(one.spec, seed=seed)
