"""Fills run folders: train, evaluate, record. This is the only loop with side effects.

`Worker.fill` does one job. Executors decide where it is called: in this process, or in a worker process
(`ganbench.runner.worker_process`) that does one job after the other.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from filelock import Timeout

from ganbench.datasets.base import Dataset
from ganbench.errors import DamagedRun, GanbenchError, TakenOver
from ganbench.features.bank import Bank, Real
from ganbench.features.inception import InceptionWeights
from ganbench.guard.process_state import unchanged_by
from ganbench.results import pictures, tensors
from ganbench.results.journal import trusted_state
from ganbench.results.store import RunFolder, State, Store
from ganbench.runner import environment
from ganbench.runner.events import Busy, Ended, Listen, Noted, OutOfMemory, PeakMemory, Progressed, Started
from ganbench.runner.gpu_memory import PeakMeter, TorchPeak
from ganbench.runner.job import Job, spec_file
from ganbench.runner.ledger import described
from ganbench.runner.packing import begun_in
from ganbench.runner.plan import complete, has_spec, lacks_networks, missing
from ganbench.runner.recorder import PackRecorder, Recorder
from ganbench.runner.settings import WorkerSettings
from ganbench.training.packs import Checkpoint
from ganbench.training.state import Place
from ganbench.training.trainer import train

ATTEMPTS = 2  # a job whose files are damaged while it is done is begun again once
LOCK_WAIT = 1.0  # seconds; a process that only checks whether a run is busy holds its lock for less


class Stopped(Exception):
    """The worker was asked to stop; the run has been saved and can be resumed."""


@dataclass
class Worker:
    """Does jobs one after the other. The real side of the last job's dataset is kept for the next one."""

    settings: WorkerSettings
    emit: Listen
    stopping: Callable[[], bool] = lambda: False
    store: Store = field(init=False)
    meter: PeakMeter = field(init=False)
    _real: dict[Dataset, Real] = field(default_factory=dict)  # one at most: it holds all samples
    _noted: set[str] = field(default_factory=set)  # notes that are made once
    _failed: set[str] = field(default_factory=set)  # the runs of the job in progress that have failed

    def __post_init__(self) -> None:
        self.store, self.meter = Store(self.settings.results), TorchPeak(self.settings.device)

    def fill(self, job: Job) -> None:
        """Do a job and report it: `Busy` when another process fills its runs, else one `Ended` a run.

        Or `OutOfMemory` for the runs that have not ended, if the job backs off. Raises `Stopped` only.
        """
        self._failed.clear()
        with ExitStack() as locks:
            try:
                folders = [self._lock(folder, locks) for folder in map(self.store.run, job.run_ids)]
                self._fill_or_fail(job, folders)
                self.meter.end()
            except (Timeout, TakenOver) as error:
                if isinstance(error, TakenOver):
                    self._note(str(error))
                self.emit(Busy(tuple(run_id for run_id in job.run_ids if run_id not in self._failed)))

    def _lock(self, folder: RunFolder, locks: ExitStack) -> RunFolder:
        """The folder of a run, locked; it fails where nothing can be written. Raises `Timeout` if it is locked."""
        try:
            return locks.enter_context(folder.owned(LOCK_WAIT))
        except Timeout:
            raise
        except OSError as error:
            self._failed.add(folder.run_id)
            self.emit(Ended(folder.run_id, "failed", error=f"its folder can't be locked: {error}"))
            return folder

    def _fill_or_fail(self, job: Job, folders: Sequence[RunFolder]) -> None:
        try:
            self.meter.begin()
            self._fill_again(job, folders)
        except (Stopped, TakenOver):
            raise
        except Exception as error:
            if job.passes_on(error):
                left = tuple(folder.run_id for folder in self._left(folders))
                self.emit(OutOfMemory(left, f"{type(error).__name__}: {error}"))
                return
            for folder in self._left(folders):
                self._fail_apart(job, folder, error)
        if (peak := self.meter.peak()) is not None:
            self.emit(PeakMemory(peak))

    def refuse(self, run_ids: Iterable[str], error: Exception) -> None:
        """Let each run of a job that can't be read end as failed; on disk a finished one stays finished."""
        for folder in map(self.store.run, run_ids):
            try:
                with folder.owned(LOCK_WAIT) as own:
                    self._fail(own, error, lambda state: False)
            except OSError as trouble:  # no lock, or another process has it
                self.emit(Ended(folder.run_id, "failed", error=_unrecorded(_sentence(error), trouble)))

    def reference(self, dataset: Dataset) -> Real:
        """The real side of a dataset; features and statistics are computed when an evaluator first needs them."""
        if dataset not in self._real:
            self._real.clear()
            settings = self.settings
            weights = InceptionWeights(settings.inception, settings.download_inception)
            memory, on_device = settings.memory, settings.device_memory
            bank = Bank(self.store.cache, settings.device, weights, memory, on_device, log=self._note)
            with unchanged_by(dataset):
                data = dataset.load(settings.data)
            for note in data.notes:
                self._note(note)
            pictures.keep_real(self.store.root, dataset, data)
            self._real[dataset] = bank.reference(data)
        return self._real[dataset]

    def _note(self, text: str) -> None:
        self.emit(Noted(text))

    def _note_once(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self._note(text)

    def _fill_again(self, job: Job, folders: Sequence[RunFolder]) -> None:
        """Do a job; again when a folder is deleted or damaged meanwhile."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._fill_locked(job, folders)
                return
            except DamagedRun as damage:
                if attempt == ATTEMPTS:
                    raise
                self._note(str(damage))

    def _fill_locked(self, job: Job, folders: Sequence[RunFolder]) -> None:
        todo = self._those(job, folders, lambda folder: not self._is_finished(folder))
        self._train(job, todo)
        lost = self._those(job, folders, lambda folder: not self._score_missing(job, folder))
        self._train(job, lost)
        self._those(job, folders, lambda folder: self._restore_spec(job, folder))
        for folder in self._left(folders):
            self.emit(Ended.of(folder.run_id, _state_of(folder)))

    def _is_finished(self, folder: RunFolder) -> bool:
        state = trusted_state(folder, self._note)
        return state is not None and state.finished

    def _left(self, folders: Iterable[RunFolder]) -> list[RunFolder]:
        """The folders of the runs that have not failed."""
        return [folder for folder in folders if folder.run_id not in self._failed]

    def _those(self, job: Job, folders: Iterable[RunFolder], holds: Callable[[RunFolder], bool]) -> list[RunFolder]:
        """The folders for which something holds; where asking raises an error, that run fails."""
        chosen = []
        for folder in self._left(folders):
            try:
                chosen += [folder] if holds(folder) else []
            except (DamagedRun, TakenOver):
                raise
            except Exception as error:
                if job.passes_on(error):
                    raise
                self._fail_apart(job, folder, error)
        return chosen

    def _restore_spec(self, job: Job, folder: RunFolder) -> bool:
        """Write `spec.json` again if it is damaged; whether it was."""
        spec = job.spec_of(folder.run_id)
        if damaged := not has_spec(folder, spec):
            self._note(f"{folder.path / 'spec.json'}: damaged; it is written again")
            folder.write_json("spec.json", spec_file(spec))
        return damaged

    def _train(self, job: Job, folders: Sequence[RunFolder]) -> None:
        """Train runs of a job in its pack, each from its checkpoint; those that are behind first, up to the next."""
        todo = list(folders)
        while todo:
            saved = [self._checkpoint(job, folder) for folder in todo]
            steps = [checkpoint["step"] if checkpoint else 0 for checkpoint in saved]
            ahead = [step for step in steps if min(steps) < step < (job.until or math.inf)]
            members = [i for i, step in enumerate(steps) if step == min(steps)]
            part = job.only([job.spec_of(todo[i].run_id) for i in members], until=min(ahead, default=job.until))
            self._advance(part, [todo[i] for i in members], [c for i in members if (c := saved[i])])
            todo = [folder for folder in self._left(todo) if ahead and not _state_of(folder).finished]

    def _advance(self, job: Job, folders: Sequence[RunFolder], saved: Sequence[Checkpoint]) -> None:
        """Train runs that are at one step, from their checkpoints; without these, from the start."""
        real, device = self.reference(job.specs[0].dataset), self.settings.device
        for evaluator in job.evaluators:
            evaluator.check(real)
        for folder in folders if not saved else ():
            folder.clear()
        pairs = zip(job.specs, folders, strict=True)
        new = State("running")
        recorders = tuple(Recorder(spec, job, folder, real, new, self.meter) for spec, folder in pairs)
        pack = PackRecorder(job, recorders, partial(self._fail_apart, job))
        arithmetic = job.specs[0].arithmetic
        about = environment.describe(device, job.seeds, arithmetic, self.settings.record_packages)
        pack.begin(saved[0]["step"] if saved else 0, about)
        run_ids = job.run_ids
        self.emit(Started(run_ids, job.specs[0].steps))
        for snapshot in train(job.trained, real.data, job.stops(), Place.of(device), job.for_all(saved)):
            if about.turns != (turns := environment.how_turns(snapshot.eager)):
                about = replace(about, turns=turns)
                pack.correct(about)
                if snapshot.eager and device.startswith("cuda"):
                    self._note_once(f"training without CUDA graphs, which may be slower: {snapshot.eager}")
            pack.record(snapshot)
            self.emit(Progressed(run_ids, snapshot.step))
            stopping = self.stopping()
            pack.save(snapshot, self.settings.save_every, now=stopping or snapshot.step == job.until)
            if stopping:
                raise Stopped
            if pack.finished:
                return

    def _checkpoint(self, job: Job, folder: RunFolder) -> Checkpoint | None:
        """The checkpoint from which a run resumes; None to start anew, as in a pack in which it was not begun."""
        begun = begun_in(folder, job.spec_of(folder.run_id).seed)
        checkpoint: Checkpoint | None = self._load(folder.checkpoint()) if begun == job.seeds else None
        return checkpoint

    def _load(self, path: Path) -> Any:
        """A checkpoint, or None where it is absent; a damaged one is reported and counts as absent."""
        try:
            return tensors.load(path, self.settings.device, self._note_once)
        except DamagedRun as damage:
            self._note(str(damage))
            return None

    def _score_missing(self, job: Job, folder: RunFolder) -> bool:
        """Score a finished run at marks that lack an evaluator, from generators kept there; False if it must train."""
        state = _state_of(folder)
        if complete(job, state):
            return True
        if lacks_networks(job, state):
            return False
        spec = job.spec_of(folder.run_id)
        recorder = Recorder(spec, job, folder, self.reference(spec.dataset), state)
        for mark in missing(job, state):
            weights = self._load(folder.checkpoint(mark))
            if weights is None:  # the run was recorded at other marks: only training can make this generator
                return False
            recorder.score(mark, weights)
            recorder.journal.write_state(recorder.state)
        return True

    def _fail_apart(self, job: Job, folder: RunFolder, error: Exception) -> None:
        """Let one run of a job fail; the others go on."""
        self._failed.add(folder.run_id)
        self._fail(folder, error, partial(complete, job))

    def _fail(self, folder: RunFolder, error: Exception, is_complete: Callable[[State], bool]) -> None:
        """Record a failure in a run that lacks something; a complete one stays as it is."""
        text = _sentence(error)
        state = State("running")
        try:
            state = trusted_state(folder, self._note) or state
            if isinstance(error, DamagedRun) and not state.finished:
                folder.clear()  # what is left must not be resumed
                state = State("running")
            if not is_complete(state):
                state = folder.fail(state, text, "".join(traceback.format_exception(error)))
        except (OSError, DamagedRun) as trouble:  # a full disk: report it, and leave the run to be resumed
            state = replace(state, status="failed", error=_unrecorded(text, trouble))
        self.emit(Ended.of(folder.run_id, state))


def _state_of(folder: RunFolder) -> State:
    """The state of a run that has just been recorded. Raises `DamagedRun`, also where it is gone."""
    state = folder.check()
    if state is None:
        raise DamagedRun(str(folder.path), "it was deleted while the run was in progress", todo="the run is done again")
    return state


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, GanbenchError) else described(error)


def _unrecorded(text: str, trouble: Exception) -> str:
    return f"{text}; and the failure could not be recorded: {trouble}"
