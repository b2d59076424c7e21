"""What is written into the folders of runs in progress, and when.

`Recorder` writes one run's folder. `PackRecorder` holds those of a pack, whose runs skip marks and save checkpoints
together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from ganbench.errors import DamagedRun, TakenOver
from ganbench.features.bank import Real
from ganbench.features.scoring import NO_VALUE, AbsentScore, score_all
from ganbench.results import pictures, tensors
from ganbench.results.files import make_way, remove, write_bytes
from ganbench.results.journal import Journal
from ganbench.results.state import DivergedAt, sessions_of
from ganbench.results.store import RunFolder, State, Status
from ganbench.rng import seed_of
from ganbench.runner.environment import MemoryUse
from ganbench.runner.job import Job, score_key, spec_file
from ganbench.runner.rows import absent_row, own_rows, row
from ganbench.training.sampling import latent_steps, sample
from ganbench.training.snapshot import flat

if TYPE_CHECKING:
    from ganbench.evaluators.base import Networks
    from ganbench.runner.environment import Environment
    from ganbench.runner.gpu_memory import PeakMeter
    from ganbench.spec import RunSpec
    from ganbench.training.snapshot import RunSnapshot, Snapshot
    from ganbench.variants.base import Params

SAVE_SHARE = 0.01  # the share of the time that resumable checkpoints take at most


@dataclass
class Recorder:
    """One run in progress: its folder and the state that will be written there."""

    spec: RunSpec
    job: Job
    folder: RunFolder
    real: Real
    state: State
    meter: PeakMeter | None = None  # of the memory of its GPU
    environment: Environment | None = field(default=None, init=False)
    journal: Journal = field(init=False)
    began: float = 0.0  # on `clock`, minus the seconds of earlier sessions
    saved: float = 0.0  # when the last checkpoint was written
    saving_seconds: float = 0.0  # what the last checkpoint cost
    scoring_seconds: float = 0.0  # what the last scored mark cost
    logged: set[tuple[str, str]] = field(default_factory=set)  # the absent metrics with a reason in the log

    def __post_init__(self) -> None:
        self.journal = Journal.of(self.folder)

    def begin(self, resumed: int, environment: Environment) -> None:
        """Open the folder at the step that the run resumes from; 0 starts anew."""
        folder, state = self.folder, (self.folder.check() if resumed else None) or self.state
        if resumed:
            folder.write_state(state, seal=False)
            folder.keep_rows_until(resumed)
        folder.write_json("spec.json", spec_file(self.spec))
        earlier = sessions_of(folder.read_json("env.json")) if resumed else []
        folder.write_json("env.json", {"sessions": [*earlier, asdict(environment)]})
        self.environment, self.journal = environment, Journal.of(folder)
        self.state = replace(
            state,
            status="running",
            error=None,
            step=resumed,
            scored={key: _until(resumed, marks) for key, marks in state.scored.items()},
            without_score={key: _until(resumed, marks) for key, marks in state.without_score.items()},
            skipped_marks=_until(resumed, state.skipped_marks),
        )
        self.journal.write_state(self.state)
        self.began, self.saved = self.clock() - self.state.seconds, time.monotonic()

    def correct(self, environment: Environment) -> None:
        """Replace the environment of this session by what training has shown."""
        self.environment = environment
        earlier = sessions_of(self.folder.read_json("env.json"))[:-1]
        self.folder.write_state(self.state, seal=False)
        self.folder.write_json("env.json", {"sessions": [*earlier, asdict(environment)]})
        self.journal = Journal.of(self.folder)
        self.journal.write_state(self.state)

    def clock(self) -> float:
        """Seconds without those spent on what serves all runs, such as features of real samples."""
        return time.monotonic() - self.real.cache.making.seconds

    def seconds(self) -> float:
        """The run's wall time so far, over all its sessions."""
        return self.clock() - self.began

    def record(self, snapshot: RunSnapshot, due: bool) -> None:
        """Append a snapshot's terms; at a mark keep the generator and, if scores are due, draw a picture and score."""
        if snapshot.terms:
            self.journal.append_terms([{"step": snapshot.step, "time": time.time(), "terms": flat(snapshot.terms)}])
        bad = snapshot.diverged
        diverged = DivergedAt(step=bad.step, term=bad.term) if bad else None
        self.state = replace(self.state, step=snapshot.step, diverged=diverged)
        if snapshot.step in self.job.marks and diverged is None:
            self._record_mark(snapshot, due)
        status: Status = "diverged" if diverged else "done" if snapshot.step == self.spec.steps else "running"
        if status != "running":
            self._record_memory()
            self.state = replace(self.state, status=status, seconds=self.seconds())
            self.journal.write_state(self.state)
            remove(self.folder.checkpoint())

    def _record_memory(self) -> None:
        peak = self.meter.peak() if self.meter else None
        if peak is not None and self.environment is not None:
            self.correct(replace(self.environment, memory=MemoryUse(self.job.cell, peak)))

    def score(self, step: int, weights: Params, networks: Networks | None = None) -> None:
        """Sample once and call every evaluator that has not scored this step yet; the caller writes the state."""
        job, scored, without = self.job, self.state.scored, self.state.without_score
        evaluators = {key: e for key, e in job.wanted().items() if step not in scored.get(key, ())}
        generated = sample(self.spec, self.real.data, weights, job.samples, step)
        x = generated.x.cpu()
        self.folder.check_owner()
        modes = self.real.modes
        picture = pictures.png(x[: pictures.PICTURED] if x.dim() == 4 else x, centres=modes.centres if modes else None)
        path = self.folder.path / "samples" / f"{step}.png"
        make_way(path)
        write_bytes(path, picture)
        seed = seed_of(self.spec.seed, "score", step)
        read = networks if any(evaluator.reads_networks for evaluator in evaluators.values()) else None
        steps = latent_steps(self.spec, self.real.data, weights, step)
        fake = self.real.view(x, generated.y, steps, read)
        scoring = score_all(fake, self.real, evaluators.values(), seed)
        for item in scoring.absent:
            if item.error is not None and job.passes_on(item.error):
                raise item.error
        keyed = ((score_key(evaluator, job.samples), metric, score) for evaluator, metric, score in scoring.scores)
        rows = [row(step, metric, score, key) for key, metric, score in keyed]
        self.journal.append_scores(rows)
        self._record_absent(step, scoring.absent)
        silent = evaluators.keys() - {row["evaluator"] for row in rows}
        self.state = replace(
            self.state,
            scored=scored | {key: sorted({*scored.get(key, ()), step}) for key in evaluators},
            without_score=without | {key: sorted({*without.get(key, ()), step}) for key in silent},
        )

    def _record_absent(self, step: int, absent: Sequence[AbsentScore]) -> None:
        """Write why metrics have no score; where an error arose goes into the log, each error once."""
        unusual = [item for item in absent if item.because != NO_VALUE]
        keyed = ((score_key(item.evaluator, self.job.samples), item) for item in unusual)
        self.journal.append_absent([absent_row(step, item.metric, item.because, key) for key, item in keyed])
        for item in unusual:
            name = f"{item.evaluator.notation()}{': ' if item.metric else ''}{item.metric}"
            if (name, item.because) not in self.logged:
                self.folder.log(f"step {step}: {name} is absent: {item.because}\n{item.trace}")
                self.logged.add((name, item.because))

    def save(self, snapshot: RunSnapshot) -> None:
        """Write a resumable checkpoint."""
        # the state first: rows past the checkpoint's step are dropped on resuming, missing rows would be lost
        self.state = replace(self.state, seconds=self.seconds())
        self.journal.write_state(self.state)
        self.folder.check_owner()
        tensors.save(self.folder.checkpoint(), snapshot.checkpoint())

    def _record_mark(self, snapshot: RunSnapshot, due: bool) -> None:
        weights = snapshot.generator()
        self.folder.check_owner()
        tensors.save(self.folder.checkpoint(snapshot.step), weights)
        started = self.clock()
        if due:
            self.score(snapshot.step, weights, snapshot.networks)
        else:
            self.state = replace(self.state, skipped_marks=[*self.state.skipped_marks, snapshot.step])
        rows, absent = own_rows(snapshot)
        self.journal.append_scores(rows)
        self.journal.append_absent(absent)
        spent = self.clock() - started
        self.scoring_seconds = spent if due else self.scoring_seconds
        self.state = replace(self.state, evaluation_seconds=self.state.evaluation_seconds + spent)


@dataclass(frozen=True)
class PackRecorder:
    """The runs of a pack that a job asks for, in its order; what the others do is not written.

    An error while one of them is recorded is given to `fail`, with the run's folder, and the others go on; only
    `DamagedRun` and `TakenOver` are raised.
    """

    job: Job
    recorders: tuple[Recorder, ...]
    fail: Callable[[RunFolder, Exception], None]

    @property
    def finished(self) -> bool:
        """Whether every run that is asked for has ended."""
        return all(recorder.state.status != "running" for recorder in self.recorders)

    def begin(self, resumed: int, environment: Environment) -> None:
        """Open every folder at the step that the pack resumes from."""
        for recorder in self.recorders:
            with self._apart(recorder):
                recorder.begin(resumed, environment)

    def correct(self, environment: Environment) -> None:
        """Replace the environment of the runs that are still in progress."""
        for recorder in self.recorders:
            if recorder.state.status == "running":
                with self._apart(recorder):
                    recorder.correct(environment)

    def record(self, snapshot: Snapshot) -> None:
        """Record a snapshot of the runs that are still in progress."""
        due = snapshot.step in self.job.marks and self._can_afford(snapshot.step)
        for recorder, run in self._running(snapshot):
            with self._apart(recorder):
                recorder.record(run, due)

    def save(self, snapshot: Snapshot, every: float, now: bool) -> None:
        """Write resumable checkpoints of all runs in progress, at one step: `now`, or when the last ones are old."""
        running = self._running(snapshot)
        started = time.monotonic()
        ages = [(recorder, started - recorder.saved) for recorder, _ in running]
        if not now and not any(age > max(every, recorder.saving_seconds / SAVE_SHARE) for recorder, age in ages):
            return
        for recorder, run in running:
            with self._apart(recorder):
                recorder.save(run)
        for recorder, _ in running:
            recorder.saved, recorder.saving_seconds = time.monotonic(), time.monotonic() - started

    @contextmanager
    def _apart(self, recorder: Recorder) -> Iterator[None]:
        """Let an error end this run only."""
        try:
            yield
        except (DamagedRun, TakenOver):
            raise
        except Exception as error:
            if self.job.passes_on(error):
                raise
            recorder.state = replace(recorder.state, status="failed")
            self.fail(recorder.folder, error)

    def _running(self, snapshot: Snapshot) -> list[tuple[Recorder, RunSnapshot]]:
        """The runs in progress, with what they are now."""
        runs = {run.spec.seed: run for run in snapshot.runs}
        return [(each, runs[each.spec.seed]) for each in self.recorders if each.state.status == "running"]

    def _can_afford(self, step: int) -> bool:
        """Whether a mark is scored: the last one always, another where the pack then keeps to its budget."""
        spent = sum(recorder.state.evaluation_seconds for recorder in self.recorders)
        cost = sum(recorder.scoring_seconds for recorder in self.recorders)
        last = step in (self.job.marks[-1], self.job.until)
        return last or affords(self.job.budget, spent, cost, self.recorders[0].seconds())


def affords(budget: float | None, spent: float, cost: float, elapsed: float) -> bool:
    """Whether one more mark keeps evaluation within its share, with enough left over for the last mark.

    `spent`: seconds of evaluation so far; `cost`: of the last scored mark, 0 before any; `elapsed`: wall time so far,
    evaluation included. Without a budget every mark is affordable.
    """
    return budget is None or spent + 2 * cost < budget * (elapsed + 2 * cost)


def _until(step: int, marks: Sequence[int]) -> list[int]:
    return [mark for mark in marks if mark <= step]
