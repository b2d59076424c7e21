"""One run in progress: what goes into its folder, and when."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ganbench.features.bank import Real, evaluate
from ganbench.features.cache import Stopwatch
from ganbench.results import pictures, tensors
from ganbench.results.store import RunFolder, State, Status, write_bytes, write_json
from ganbench.rng import seed_of
from ganbench.runner.budget import affords
from ganbench.runner.job import Job, score_key
from ganbench.runner.scores import own_rows, row
from ganbench.spec import RunSpec
from ganbench.training.sampling import sample
from ganbench.training.snapshot import RunSnapshot, Snapshot
from ganbench.variants.base import Params

SAVE_SHARE = 0.01  # of the time, at most, goes into resumable checkpoints
PICTURED = 64  # samples in a picture


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


def begin(recorder: Recorder, resumed: int, about: dict[str, Any]) -> Recorder:
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
    skipped_marks = [mark for mark in state.skipped_marks if mark <= resumed]
    state = replace(state, status="running", error=None, step=resumed, scored=scored, skipped_marks=skipped_marks)
    folder.write_state(state)
    return replace(recorder, state=state, began=recorder.clock() - state.seconds, saved=time.monotonic())


def affordable(recorders: Sequence[Recorder], job: Job, step: int) -> bool:
    """Whether a mark is scored: the last one always, another where the runs of the pack then keep to the budget."""
    spent, cost = sum(r.state.evaluation_seconds for r in recorders), sum(r.scoring for r in recorders)
    return step in (job.marks[-1], job.until) or affords(job.budget, spent, cost, recorders[0].seconds())


def record(recorder: Recorder, look: RunSnapshot, job: Job, real: Real, due: bool) -> None:
    """Append what a snapshot shows of one run; at a mark keep the generator and, if due, a picture and the scores."""
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
            recorder.state = replace(recorder.state, skipped_marks=[*recorder.state.skipped_marks, look.step])
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


def save(recorders: Sequence[Recorder], snapshot: Snapshot, every: float, now: bool) -> None:
    """Write resumable checkpoints, of all runs of a pack at one step, when it is time to or when told."""
    running = [pair for pair in zip(recorders, snapshot.runs, strict=True) if pair[0].state.status == "running"]
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
