"""The search: rounds of trials for every contender at once, halved at a rung, kept in a file that survives a stop.

A trial is an ordinary run on a seed that no suite reports (`FIRST_SEED` and up, the same for every contender), so a
stopped search goes on by typing it again: finished runs are there, paused ones resume, and the study's file holds the
settings that were asked for. How a trial ended follows from the runs and the budget alone: of a contender that was
searched with a larger budget before, only the first trials count, judged as if there had been no others. A random
search tries the fields that contenders share, such as the learning rate, at the same values for all of them.
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

from ganbench.errors import RequestError
from ganbench.rng import seed_of
from ganbench.runner import plan
from ganbench.tuning.space import Knob, check_names, knobs, turned

if TYPE_CHECKING:
    from ganbench.cli.progress import Talk
    from ganbench.executors.base import Executor
    from ganbench.results.store import Store
    from ganbench.spec import RunSpec
    from ganbench.suite import Suite

Sampler = Literal["random", "tpe"]
FIRST_SEED = 1_000_000
ROUND = 4  # trials of a contender that are asked for together, whatever the number of workers
RUNG = 0.25  # the share of a run after which the worse half of a round is given up
SAMPLERS = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
Ended = Literal["finished", "given up", "failed"]
STATES: Mapping[Ended, TrialState] = {
    "finished": TrialState.COMPLETE,
    "given up": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


@dataclass(frozen=True)
class Budget:
    """How to search, the same for every contender. `only`: the knobs to turn; none named: all that there are."""

    metric: str
    better: Literal["lower", "higher"]
    trials: int
    only: tuple[str, ...] = ()
    sampler: Sampler = "random"


@dataclass(frozen=True)
class Trial:
    """A setting that was tried, and what it came to.

    `value`: the metric at the run's end, and of a trial that was given up the metric at its rung, which is all that was
    spent on it; None of one that diverged or failed.
    """

    settings: Mapping[str, float]
    ended: Ended
    value: float | None


@dataclass(frozen=True)
class Tuned:
    """A contender after its trials, in their order."""

    contender: str
    columns: Mapping[str, Any]  # the contender's, with what was searched at its defaults
    spec: RunSpec  # with the chosen settings; the seed is the contender's first
    seeds: tuple[int, ...]  # the fresh ones, on which it is to be reported
    trials: tuple[Trial, ...]
    chosen: Mapping[str, float] | None  # the best of those that finished; None: none did


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
    ended: dict[str, list[Trial]] = {one.name: [] for one in found}
    for start in range(0, budget.trials, ROUND):
        places = range(start, min(start + ROUND, budget.trials))
        fields = [_ask(desk, one, studies[one.name], places) for one in found]
        for one, trials in zip(found, _round(desk, fields), strict=True):
            ended[one.name] += trials
    return [_tuned(one, ended[one.name], budget) for one in found]


@dataclass(frozen=True)
class Asked:
    """A trial as its study has it, its run, and the step where the run may be given up."""

    study: optuna.Study
    trial: FrozenTrial
    spec: RunSpec
    rung: int


def _ask(desk: Desk, one: Contender, study: optuna.Study, places: range) -> list[Asked]:
    """The trials at these places among a contender's, drawn where the study doesn't have them yet."""
    for place in range(len(_whole(one, study)), places.stop):
        # the same stream for every contender: what they share is tried at the same values, by luck of none
        study.sampler = SAMPLERS[desk.budget.sampler](seed=seed_of(FIRST_SEED, "tune", place))
        trial = study.ask()
        for knob in one.knobs:
            trial.suggest_float(knob.name, knob.search.low, knob.search.high, log=knob.search.log)
    rung = _rung(desk.suite, one.spec)
    trials = _whole(one, study)
    return [Asked(study, trials[place], _spec(one, trials[place], place), rung) for place in places]


def _whole(one: Contender, study: optuna.Study) -> list[FrozenTrial]:
    """The trials that have all their settings; one that a stop left without some has no place among them."""
    names = {knob.name for knob in one.knobs}
    return [trial for trial in study.get_trials(deepcopy=False) if trial.params.keys() == names]


def _round(desk: Desk, fields: Sequence[Sequence[Asked]]) -> list[list[Trial]]:
    """Run a round of every contender: to the rung, where the worse half is given up, then to the end.

    Who is given up depends on the whole round as the files have it, so a stop in the middle changes nothing.
    """
    _run(desk, [(one.spec, one.rung) for field in fields for one in field])
    kept = {one.spec for field in fields for one in _better_half(desk, field)}
    _run(desk, [(one.spec, None) for field in fields for one in field if one.spec in kept])
    return [[_end(desk, one, one.spec in kept) for one in field] for field in fields]


def _better_half(desk: Desk, field: Sequence[Asked]) -> list[Asked]:
    """By the metric at the rung; of equals the earlier."""
    ranked = sorted(field, key=lambda one: _badness(_value(desk, one.spec, one.rung), desk.budget))
    return ranked[: math.ceil(len(ranked) / 2)]


def _end(desk: Desk, one: Asked, kept: bool) -> Trial:
    """What a trial came to, which its study is told once."""
    step = one.spec.steps if kept else one.rung
    value = _value(desk, one.spec, step)
    ended: Ended = "failed" if value is None else "finished" if step == one.spec.steps else "given up"
    if one.trial.state == TrialState.RUNNING:
        one.study.tell(one.trial.number, value if ended == "finished" else None, state=STATES[ended])
    return Trial(_plain(one.trial.params), ended, value)


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


def _spec(one: Contender, trial: FrozenTrial, place: int) -> RunSpec:
    return replace(turned(one.spec, _plain(trial.params)), seed=FIRST_SEED + place)


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


def _tuned(one: Contender, trials: Sequence[Trial], budget: Budget) -> Tuned:
    finished = [trial for trial in trials if trial.ended == "finished"]
    best = min(finished, key=lambda trial: _badness(trial.value, budget), default=None)
    spec = replace(turned(one.spec, best.settings if best else {}), seed=one.seeds[0])
    columns = {name: value for name, value in one.spec.columns().items() if name != "seed"}
    return Tuned(one.name, columns, spec, one.seeds, tuple(trials), best.settings if best else None)


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
