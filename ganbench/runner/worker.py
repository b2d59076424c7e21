"""Fills run folders: train, evaluate, record. The one loop with side effects.

`fill` does one job; `ganbench.executors` decide where it is called: in this process, or in a worker process
(`ganbench.runner.worker_process`) that lives on from job to job.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import Timeout

from ganbench.datasets.base import Dataset
from ganbench.errors import DamagedRun, GanbenchError
from ganbench.features.bank import Bank, Real
from ganbench.results import tensors
from ganbench.results.store import RunFolder, State, Store
from ganbench.runner import environment
from ganbench.runner.job import Job
from ganbench.runner.plan import complete, missing
from ganbench.runner.recorder import Recorder, affordable, begin, record, save, scores
from ganbench.training.state import Checkpoint
from ganbench.training.trainer import Place, train

Emit = Callable[[dict[str, Any]], None]

ROWS_OF_TERMS = 100  # how often in a run the training curves get a point
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
    recorders = [begin(Recorder(*pair, State("running"), real.cache.making), resumed, about) for pair in pairs]
    curve = range(steps, 0, -max(1, steps // ROWS_OF_TERMS))
    stops = sorted({*curve, *job.marks})
    context.emit({"event": "start", "runs": list(job.run_ids), "steps": steps})
    within = [stop for stop in stops if stop <= (job.until or steps)]
    for snapshot in train(job.specs, real.data, within, Place(context.device), checkpoints):
        due = snapshot.step in job.marks and affordable(recorders, job, snapshot.step)
        for recorder, look in zip(recorders, snapshot.runs, strict=True):
            if recorder.state.status == "running":
                record(recorder, look, job, real, due)
        context.emit({"event": "progress", "runs": list(job.run_ids), "step": snapshot.step, "of": steps})
        stopping = context.stopping()
        save(recorders, snapshot, context.save_every, now=stopping or snapshot.step == job.until)
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
