"""A worker process on another machine: what runs there, and how its events and its failure cross as text.

`RemoteWorker` lives on the other machine and holds a `WorkerProcess`. All that it is given and yields is text, so that
no component and no exception has to be pickled.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping

from ganbench.errors import RequestError
from ganbench.executors.base import GRACE, WorkerFailed
from ganbench.executors.parts.process import WorkerProcess
from ganbench.runner import events, settings

PASSED = ("GANBENCH_", "TORCH", "PYTORCH_", "CUBLAS_", "NVIDIA_TF32")  # variables that decide how a worker computes


class RemoteWorker:
    """A worker process on this machine for a parent elsewhere. `stop` may be called while `do` is in progress."""

    process: WorkerProcess

    def start(self, own: str) -> str | None:
        """Start the process with encoded settings; why it can't be started, or None."""
        self.process = WorkerProcess(settings.decode(own))
        try:
            list(self.process.ready())
        except WorkerFailed as failure:
            return failure.reason
        return None

    def do(self, line: str) -> Iterator[str]:
        """Do an encoded job; yields its events as text, and then how the process failed, if it did."""
        try:
            list(self.process.ready())  # a new process where the last one failed
            for event in self.process.events_of(line):
                yield events.encode(event)
        except WorkerFailed as failure:
            yield json.dumps({"failed": [failure.reason, failure.log]})

    def stop(self) -> None:
        """Let the process save what it is doing and end; returns when it has ended."""
        self.process.ask_to_stop()
        self.process.wait(time.monotonic() + GRACE)


def devices_elsewhere(
    engine: str, device: str, asked: tuple[str, int | None], workers: int | None, todo: str
) -> tuple[str, ...]:
    """The devices of workers that an engine places: `device` for each. Raises `RequestError`, which says `todo`.

    `asked`: the values of `--devices` and `--per-gpu`, of which an engine can heed none.
    """
    if asked not in (("auto", None), ("auto", 1)):
        given = f"{engine.capitalize()} chooses the devices of its workers"
        raise RequestError(f"--executor {engine}", given, "allowed: --devices auto and --per-gpu auto", todo)
    if workers is None:
        given = "the number of workers on the cluster is not given"
        raise RequestError(f"--executor {engine}", given, "allowed: a number from 1 up", "add --workers N")
    return (device,) * workers


def received(lines: Iterable[str]) -> Iterator[events.Event]:
    """The events in what `RemoteWorker.do` yields. Raises `WorkerFailed` where its process has failed."""
    for line in lines:
        if line.startswith('{"failed": '):
            reason, log = json.loads(line)["failed"]
            raise WorkerFailed(reason, log)
        yield events.decode(line)


def passed(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables of the command that its workers need too."""
    return {name: value for name, value in variables.items() if name.startswith(PASSED)}
