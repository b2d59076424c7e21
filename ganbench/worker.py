"""Fills run folders: train, evaluate, record. The one loop with side effects.

`fill` does one job; `ganbench.executors` decide where it is called: in this process, or in a worker process
(`ganbench.serve`) that lives on from job to job.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import Timeout

from ganbench import environment, pictures, tensors
from ganbench.budget import affords
from ganbench.datasets.base import Dataset
from ganbench.errors import DamagedRun, GanbenchError
from ganbench.evaluators._cache import Stopwatch
from ganbench.evaluators.features import Bank, Real, evaluate
from ganbench.job import Job, score_key
from ganbench.plan import complete, missing
from ganbench.rng import seed_of
from ganbench.scores import own_rows, row
from ganbench.spec import RunSpec
from ganbench.store import RunFolder, State, Status, Store, write_bytes, write_json
from ganbench.training.moment import Look, Moment
from ganbench.training.sampling import sample
from ganbench.training.state import Checkpoint
from ganbench.training.trainer import Place, train
from ganbench.variants.base import Params

Emit = Callable[[dict[str, Any]], None]

ROWS_OF_TERMS = 100  # how often in a run the training curves get a point
SAVE_SHARE = 0.01  # of the time, at most, goes into resumable checkpoints
PICTURED = 64  # samples in a picture
LOOK = 1.0  # seconds: who only looks whether a run is busy holds its lock for less


class Stopped(Exception):
    """The worker was asked to stop; the run has been saved and can be resumed."""


@dataclass(frozen=True)
class Context:
    """Where a worker works. Nothing here changes a run's numbers on the CPU."""

    store: Store
    data_root: Path | None
    device: str
    emit: Emit
    inception: Path | None = None  # the Inception network's weights
    save_every: float = 10.0  # seconds between resumable checkpoints, at least
    stopping: Callable[[], bool] = lambda: False


@dataclass
class Recorder:
    """One run in progress: its folder and what its state will say."""

    spec: RunSpec
    folder: RunFolder
    state: State
    making: Stopwatch  # of what serves all runs: no part of this one's time
    began: float = 0.0  # by its clock, minus the seconds of earlier sessions
    saved: float = 0.0  # when the last checkpoint was written
    cost: float = 0.0  # what it cost, in seconds
    scoring: float = 0.0  # what the mark scored last cost, in seconds

    def clock(self) -> float:
        return time.monotonic() - self.making.seconds

    def seconds(self) -> float:
        return self.clock() - self.began


def fill(job: Job, context: Context) -> None:
    """Do a job: events `busy` (another process has it), then one `end` a run with its status. Raises `Stopped` only."""
    folders = [context.store.run(run_id) for run_id in job.run_ids]
    with ExitStack() as locks:
        try:
            for folder in folders:
                locks.enter_context(folder.lock().acquire(timeout=LOOK))
        except Timeout:
            context.emit({"event": "busy", "runs": list(job.run_ids)})
            return
        except OSError as error:  # a full disk: nothing can be recorded
            for run_id in job.run_ids:
                _end(run_id, State("failed", error=f"it can't be locked: {error}"), context)
            return
        try:
            _fill_locked(job, folders, context)
        except Stopped:
            raise
        except Exception as error:
            text = str(error) if isinstance(error, GanbenchError) else f"{type(error).__name__}: {error}"
            _fail(job, folders, (text, traceback.format_exc()), context)


def _fill_locked(job: Job, folders: Sequence[RunFolder], context: Context) -> None:
    states = [_trusted(folder, context) for folder in folders]
    open_runs = [i for i, state in enumerate(states) if state is None or not state.finished]
    if open_runs:
        part = replace(job, specs=tuple(job.specs[i] for i in open_runs))
        _train(part, [folders[i] for i in open_runs], context)
    for spec, folder in zip(job.specs, folders, strict=True):
        _score_missing(replace(job, specs=(spec,)), folder, context)
    for folder in folders:
        state = folder.state()
        assert state is not None
        _end(folder.run_id, state, context)


def _end(run_id: str, state: State, context: Context) -> None:
    told = {name: getattr(state, name) for name in ("status", "step", "seconds", "diverged", "error")}
    context.emit({"event": "end", "run_id": run_id, **told})


def _trusted(folder: RunFolder, context: Context) -> State | None:
    """The state of a run; one whose files can't be believed is reported, removed and so done again."""
    try:
        return folder.check()
    except DamagedRun as error:
        context.emit({"event": "note", "text": str(error)})
        folder.clear()
        return None


def _train(job: Job, folders: Sequence[RunFolder], context: Context) -> None:
    real = reference(job.specs[0].dataset, context)
    for evaluator in job.evaluators:
        evaluator.check(real)
    checkpoints = _checkpoints(folders, context)
    steps, resumed = job.specs[0].steps, checkpoints[0]["step"] if checkpoints else 0
    about = environment.describe(context.device, len(job.specs))
    pairs = zip(job.specs, folders, strict=True)
    recorders = [_begin(Recorder(*pair, State("running"), real.cache.making), resumed, about) for pair in pairs]
    curve = range(steps, 0, -max(1, steps // ROWS_OF_TERMS))
    stops = sorted({*curve, *job.marks})
    context.emit({"event": "start", "runs": list(job.run_ids), "steps": steps})
    within = [stop for stop in stops if stop <= (job.until or steps)]
    for moment in train(job.specs, real.data, within, Place(context.device), checkpoints):
        due = moment.step in job.marks and _due(recorders, job, moment.step)
        for recorder, look in zip(recorders, moment.looks, strict=True):
            if recorder.state.status == "running":
                _record(recorder, look, job, real, due)
        context.emit({"event": "progress", "runs": list(job.run_ids), "step": moment.step, "of": steps})
        stopping = context.stopping()
        _save(recorders, moment, context.save_every, now=stopping or moment.step == job.until)
        if stopping:
            raise Stopped


@lru_cache(maxsize=1)
def reference(dataset: Dataset, context: Context) -> Real:
    """The real side of a dataset, kept from job to job; features and statistics are computed when first asked for."""

    def log(text: str) -> None:
        context.emit({"event": "note", "text": text})

    bank = Bank(cache=context.store.cache, device=context.device, inception_weights=context.inception, log=log)
    return bank.reference(dataset.load(context.data_root))


def _checkpoints(folders: Sequence[RunFolder], context: Context) -> list[Checkpoint] | None:
    """The checkpoints to resume from, all of one step; None to start anew (and clear what is there)."""
    found = [_kept(folder.checkpoint(), context) for folder in folders]
    if all(found) and len({checkpoint["step"] for checkpoint in found if checkpoint}) == 1:
        return [checkpoint for checkpoint in found if checkpoint]
    for folder in folders:
        folder.clear()
    return None


def _kept(path: Path, context: Context) -> Any:
    """A checkpoint, or None where it is absent; a damaged one is reported and counts as absent."""
    try:
        return tensors.load(path, context.device)
    except DamagedRun as damage:
        context.emit({"event": "note", "text": str(damage)})
        return None


def _begin(recorder: Recorder, resumed: int, about: dict[str, Any]) -> Recorder:
    """Open a run's folder at the step it resumes from; 0 starts anew."""
    spec, folder = recorder.spec, recorder.folder
    state = (folder.state() if resumed else None) or recorder.state
    if resumed:
        folder.write_state(state, seal=False)
        folder.keep_rows_until(resumed)
    else:
        told = {"run_id": folder.run_id, "spec": spec.canonical(), "columns": spec.columns()}
        write_json(folder.path / "spec.json", told)
    write_json(folder.path / "env.json", about)
    scored = {key: [mark for mark in marks if mark <= resumed] for key, marks in state.scored.items()}
    thinned = [mark for mark in state.thinned if mark <= resumed]
    state = replace(state, status="running", error=None, step=resumed, scored=scored, thinned=thinned)
    folder.write_state(state)
    return replace(recorder, state=state, began=recorder.clock() - state.seconds, saved=time.monotonic())


def _due(recorders: Sequence[Recorder], job: Job, step: int) -> bool:
    """Whether a mark is scored: the last one always, another where the runs of the pack then keep to the budget."""
    spent, cost = sum(r.state.evaluation_seconds for r in recorders), sum(r.scoring for r in recorders)
    return step in (job.marks[-1], job.until) or affords(job.budget, spent, cost, recorders[0].seconds())


def _record(recorder: Recorder, look: Look, job: Job, real: Real, due: bool) -> None:
    """Append what a moment shows of one run; at a mark keep the generator and, where due, a picture and the scores."""
    folder = recorder.folder
    if look.terms:
        folder.append("terms.jsonl", [{"step": look.step, "time": time.time(), "terms": look.terms}])
    diverged = vars(look.diverged) if look.diverged else None
    status: Status = "diverged" if diverged else "done" if look.step == recorder.spec.steps else "running"
    recorder.state = replace(recorder.state, step=look.step, diverged=diverged)
    if look.step in job.marks and diverged is None:
        weights = look.generator()
        tensors.save(folder.checkpoint(look.step), weights)
        started = recorder.clock()
        if due:
            scores(recorder, look.step, weights, job, real)
        else:
            recorder.state = replace(recorder.state, thinned=[*recorder.state.thinned, look.step])
        folder.append("scores.jsonl", own_rows(look))
        spent = recorder.clock() - started
        recorder.scoring = spent if due else recorder.scoring
        recorder.state = replace(recorder.state, evaluation_seconds=recorder.state.evaluation_seconds + spent)
    if status != "running":
        recorder.state = replace(recorder.state, status=status, seconds=recorder.seconds())
        folder.write_state(recorder.state)
        folder.checkpoint().unlink(missing_ok=True)


def scores(recorder: Recorder, step: int, weights: Params, job: Job, real: Real) -> None:
    """Sample once and call every evaluator that has not scored this step yet; the caller writes the state."""
    spec, folder, scored = recorder.spec, recorder.folder, recorder.state.scored
    wanted = [e for e in job.evaluators if step not in scored.get(score_key(e, job.samples), ())]
    made = sample(spec, real.data, weights, job.samples, step)
    samples = made.x.cpu()
    picture = folder.path / "samples" / f"{step}.png"
    write_bytes(picture, pictures.png(samples[:PICTURED] if samples.dim() == 4 else samples))
    found = evaluate(real.view(samples, made.y), real, wanted, seed_of(spec.seed, "score", step))
    rows = [row(step, metric, score, score_key(evaluator, job.samples)) for evaluator, metric, score in found]
    folder.append("scores.jsonl", rows)
    marks = {score_key(e, job.samples): sorted({*scored.get(score_key(e, job.samples), ()), step}) for e in wanted}
    recorder.state = replace(recorder.state, scored=scored | marks)


def _score_missing(job: Job, folder: RunFolder, context: Context) -> None:
    """Score a finished run at marks that lack an evaluator, from the generators kept there: nothing is trained."""
    state = folder.state()
    assert state is not None
    if complete(job, state):
        return
    real = reference(job.specs[0].dataset, context)
    recorder = Recorder(job.specs[0], folder, state, real.cache.making)
    for mark in missing(job, state):
        weights = _kept(folder.checkpoint(mark), context)
        if weights is None:  # this run was recorded at other marks: only training can give this one
            folder.clear()
            _train(job, [folder], context)
            return
        scores(recorder, mark, weights, job, real)
        folder.write_state(recorder.state)


def _save(recorders: Sequence[Recorder], moment: Moment, every: float, now: bool) -> None:
    """Write resumable checkpoints, of all runs of a pack at one step, when it is time to or when told."""
    running = [pair for pair in zip(recorders, moment.looks, strict=True) if pair[0].state.status == "running"]
    clock = time.monotonic()
    if not now and not any(clock - recorder.saved > max(every, recorder.cost / SAVE_SHARE) for recorder, _ in running):
        return
    for recorder, look in running:
        # the state first: what it says past the checkpoint is dropped on resuming, what it lacks would be missed
        recorder.state = replace(recorder.state, seconds=recorder.seconds())
        recorder.folder.write_state(recorder.state)
        tensors.save(recorder.folder.checkpoint(), look.checkpoint())
    for recorder, _ in running:
        recorder.saved, recorder.cost = time.monotonic(), time.monotonic() - clock


def _fail(job: Job, folders: Sequence[RunFolder], why: tuple[str, str], context: Context) -> None:
    """Record a failure (what to say, what to log) in every run of a job that lacks something; finished ones stay so."""
    for spec, folder in zip(job.specs, folders, strict=True):
        state = State("running")
        try:
            state = folder.state() or state
            if not complete(replace(job, specs=(spec,)), state):
                state = folder.fail(state, *why)
        except (OSError, DamagedRun) as trouble:  # a full disk: say so, and leave the run to be resumed
            told = f"{why[0]}; and the failure could not be recorded: {trouble}"
            state = replace(state, status="failed", error=told)
        _end(folder.run_id, state, context)
