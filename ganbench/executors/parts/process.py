"""One worker process, as seen from the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

from ganbench.executors.base import GRACE, CannotStart, WorkerFailed
from ganbench.runner import events, gpu_memory, job, settings

LOG_END = 8192  # bytes of a dead worker's stderr that are kept


class WorkerDied(WorkerFailed):
    """A worker process ended while it had a job."""

    def __init__(self, returncode: int, log: str) -> None:
        how = f"signal {signal.Signals(-returncode).name}" if returncode < 0 else f"exit code {returncode}"
        super().__init__(f"the worker died: {how}", log)


@dataclass
class Running:
    """A process that has been started, the pipe for its jobs, and its log."""

    process: subprocess.Popen[str]
    jobs: IO[str]
    log: IO[bytes]

    @classmethod
    def start(cls, own: settings.WorkerSettings) -> Running:
        """Start a process with settings. Its stdin is empty; the jobs go through another pipe. Raises `OSError`."""
        log = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        reading, writing = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "ganbench.runner.worker_process", str(reading)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                pass_fds=(reading,),
                env=os.environ | environment_of(own),
                start_new_session=True,  # Ctrl-C on the terminal reaches the parent alone
            )
        except BaseException:
            os.close(writing)
            log.close()
            raise
        finally:
            os.close(reading)
        running = cls(process, os.fdopen(writing, "w", encoding="utf-8"), log)
        device = "cuda:0" if gpu_memory.uuid_of(own.device) else own.device
        running.send(settings.encode(replace(own, device=device)))
        return running

    def send(self, line: str) -> None:
        """Send a line; a process that is gone is noticed when its events are read."""
        try:
            self.jobs.write(f"{line}\n")
            self.jobs.flush()
        except BrokenPipeError:
            pass

    def death(self, began: int) -> WorkerDied:
        """How the process ended, with its log since `began`."""
        try:
            returncode = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:  # it has closed the pipe and goes on
            self.process.kill()
            returncode = self.process.wait()
        self.log.seek(max(began, self.log.seek(0, os.SEEK_END) - LOG_END))
        return WorkerDied(returncode, self.log.read().decode(errors="replace"))

    def close(self) -> None:
        """Kill the process if it is there still, and close its files; no thread may be reading its events."""
        self.process.kill()
        self.process.wait()
        for file in (self.jobs, self.process.stdout, self.log):
            try:
                if file is not None:
                    file.close()
            except BrokenPipeError:  # a line that was never sent
                pass


def environment_of(own: settings.WorkerSettings) -> dict[str, str]:
    """The environment variables of a worker process, beside those of its parent."""
    uuid = gpu_memory.uuid_of(own.device)
    return {
        **(gpu_memory.visible(uuid) if uuid else {}),
        "OMP_NUM_THREADS": str(own.threads),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8:backslashreplace",  # whatever the locale, and whatever a component prints
    }


@dataclass(eq=False)
class WorkerProcess:
    """A `ganbench.runner.worker_process` that is started when it first gets a job, and again after it died."""

    settings: settings.WorkerSettings
    _running: Running | None = None
    _stopped: bool = False

    def ready(self) -> Iterator[events.Noted | None]:
        """Start the process where there is none, which takes no wait. Raises `CannotStart`."""
        if self._running is not None and self._running.process.poll() is not None:
            self.release()
        if self._running is None:
            try:
                self._running = Running.start(self.settings)
            except OSError as error:
                raise CannotStart(f"a worker can't be started: {error}") from error
        if self._stopped:  # asked to stop while it started
            self._running.process.terminate()
        yield from ()

    def do(self, todo: job.Job | job.EncodedJob) -> Iterator[events.Event]:
        """Give the worker a job and yield its events until it is idle again. Raises `WorkerFailed`."""
        return self.events_of(job.encode(todo))

    def events_of(self, line: str) -> Iterator[events.Event]:
        """Do an encoded job. After any exception the process is gone, and the next job gets a new one."""
        running = self._running
        assert running is not None, "`ready` comes first"
        idle = False
        try:
            began = running.log.seek(0, os.SEEK_END)
            running.send(line)
            assert running.process.stdout is not None
            for event in map(events.decode, running.process.stdout):
                idle = isinstance(event, events.Idle)
                if idle:
                    return
                if not isinstance(event, events.Ready):
                    yield event
            raise running.death(began)
        finally:
            if not idle:
                self.release()

    def ask_to_stop(self) -> None:
        """Let it save what it is doing at the next snapshot, and end; also one that is suspended (SIGSTOP)."""
        self._stopped = True
        running = self._running
        if running is not None and running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
            running.process.send_signal(signal.SIGCONT)

    def wait(self, until: float) -> None:
        """Wait for the end of a worker that was asked to stop; kill it at a time of the monotonic clock."""
        running = self._running
        if running is not None:
            try:
                running.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()

    def release(self) -> None:
        """End the process and close its files; no thread may be reading its events."""
        running, self._running = self._running, None
        if running is not None:
            running.close()
