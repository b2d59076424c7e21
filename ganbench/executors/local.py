"""Runs jobs in worker processes on this machine: on the CPU with one thread each, or on its GPUs."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field

from filelock import Timeout

from ganbench.errors import DamagedRun
from ganbench.executors.base import Event, Outcome, Site
from ganbench.executors.parts.process import WorkerDied, WorkerProcess
from ganbench.results.store import State, Store
from ganbench.runner.job import Job

ATTEMPTS = 2  # a run whose worker died is tried once more, from its last checkpoint
POLL = 1.0  # seconds between looks at a run that another process fills


@dataclass
class Local:
    """An executor of one worker process per device of the site."""

    site: Site
    _todo: deque[tuple[Job, int]] = field(default_factory=deque)  # with the attempts made so far
    _answers: queue.SimpleQueue[Outcome | Event | None] = field(default_factory=queue.SimpleQueue)
    _workers: list[WorkerProcess] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, jobs: Iterable[Job], listen: Callable[[Event], None]) -> Generator[Outcome, None, None]:
        self._todo.extend((job, 0) for job in jobs)
        self._workers = [WorkerProcess(self.site, device) for device in self.site.devices[: len(self._todo)]]
        threads = [threading.Thread(target=self._work, args=(worker,), daemon=True) for worker in self._workers]
        for thread in threads:
            thread.start()
        try:
            working = len(threads)
            while working:
                answer = self._answers.get()
                if isinstance(answer, Outcome):
                    yield answer
                elif answer is None:
                    working -= 1
                else:
                    listen(answer)
        finally:
            self._stop.set()
            for worker in self._workers:
                worker.ask_to_stop()
            for worker in self._workers:
                worker.wait()

    def _work(self, worker: WorkerProcess) -> None:
        """One thread a worker: give it jobs until none are left."""
        try:
            while not self._stop.is_set():
                try:
                    job, attempts = self._todo.popleft()
                except IndexError:
                    return
                self._give(worker, job, attempts)
        finally:
            self._answers.put(None)

    def _give(self, worker: WorkerProcess, job: Job, attempts: int) -> None:
        busy = False
        try:
            for event in worker.do(job):
                busy = busy or event["event"] == "busy"
                self._answers.put(Outcome.of(event) if event["event"] == "end" else event)
        except WorkerDied as death:
            if not self._stop.is_set():
                self._bury(job, attempts + 1, death)
        if busy:
            time.sleep(POLL)
            self._todo.append((job, attempts))

    def _bury(self, job: Job, attempts: int, death: WorkerDied) -> None:
        """Try the job again, or record its open runs as failed; the worker itself starts anew with its next job."""
        if attempts < ATTEMPTS:
            self._answers.put({"event": "note", "text": f"{death.reason} in {', '.join(job.run_ids)}: tried once more"})
            self._todo.append((job, attempts))
            return
        for run_id in job.run_ids:
            folder = Store(self.site.results).run(run_id)
            outcome = Outcome(run_id, "failed", error=death.reason)
            try:
                with folder.lock().acquire(timeout=POLL):
                    state = folder.state() or State("running")
                    if state.finished:  # one of a pack that was through before
                        outcome = Outcome(run_id, state.status, state.step, state.seconds, state.diverged)
                    else:
                        folder.fail(state, death.reason, death.log)
            except (OSError, Timeout, DamagedRun) as trouble:
                self._answers.put({"event": "note", "text": f"{run_id}: its failure could not be recorded: {trouble}"})
            self._answers.put(outcome)
