"""One worker process, as seen from the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from ganbench.runner import events, job, settings

GRACE = 30.0  # seconds a worker has to save what it is doing before it is killed
LOG_END = 8192  # bytes of a dead worker's stderr that are kept


class WorkerDied(Exception):
    """A worker process ended while it had a job: the reason in words, and the end of its log."""

    def __init__(self, returncode: int, log: str) -> None:
        how = f"signal {signal.Signals(-returncode).name}" if returncode < 0 else f"exit code {returncode}"
        self.reason, self.log = f"the worker died: {how}", log
        super().__init__(self.reason)


@dataclass
class WorkerProcess:
    """A `ganbench.runner.worker_process` that is started when it first gets a job, and again after it died."""

    settings: settings.WorkerSettings
    _process: subprocess.Popen[str] | None = None
    _log: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    _stopped: bool = False

    def do(self, todo: job.Job) -> Iterator[events.Event]:
        """Give the worker a job and yield its events until it is idle again. Raises `WorkerDied`."""
        began = self._log.seek(0, os.SEEK_END)
        lines = [job.encode(todo)]
        process = self._process
        if process is None or process.poll() is not None:
            process, lines = self._start(), [settings.encode(self.settings), *lines]
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.writelines(f"{line}\n" for line in lines)
            process.stdin.flush()
        except BrokenPipeError:
            raise self._death(process, began) from None
        for line in process.stdout:
            match events.decode(line):
                case events.Idle():
                    return
                case events.Ready():
                    continue
                case event:
                    yield event
        raise self._death(process, began)

    def ask_to_stop(self) -> None:
        """Let it save what it is doing at the next snapshot, and end."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        """Wait for the end of a worker that was asked to stop; kill it when it takes too long."""
        if self._process is not None:
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._log.close()

    def _start(self) -> subprocess.Popen[str]:
        environment = os.environ | {
            "OMP_NUM_THREADS": str(self.settings.threads),
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8:backslashreplace",  # whatever the locale, and whatever a component prints
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ganbench.runner.worker_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
            env=environment,
            start_new_session=True,  # Ctrl-C on the terminal reaches the parent alone
        )
        if self._stopped:  # asked to stop while it started
            self._process.terminate()
        return self._process

    def _death(self, process: subprocess.Popen[str], began: int) -> WorkerDied:
        returncode = process.wait()
        self._log.seek(max(began, self._log.seek(0, os.SEEK_END) - LOG_END))
        return WorkerDied(returncode, self._log.read().decode(errors="replace"))
