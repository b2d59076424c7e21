"""What workers report while they do jobs, as types; `encode` and `decode` are for the pipe of a worker process.

A worker process sends `Ready` once. For every job it sends `Started` when training begins, `Progressed` at each
snapshot, `Noted` for what a user should read, and `Ended` once a run, or else `Busy` when another process fills these
runs, or `OutOfMemory` where the job lets the parent try it in another way; on a GPU `PeakMemory`; then `Idle`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ganbench.results.state import State, Status
from ganbench.training.snapshot import Divergence


@dataclass(frozen=True)
class Ready:
    """The worker process has started and takes jobs."""


@dataclass(frozen=True)
class Started:
    """Training of a job's runs begins; each has `steps` steps."""

    runs: tuple[str, ...]
    steps: int


@dataclass(frozen=True)
class Progressed:
    """The runs of a job have reached a step."""

    runs: tuple[str, ...]
    step: int


@dataclass(frozen=True)
class Noted:
    """A message for the user."""

    text: str


@dataclass(frozen=True)
class Ended:
    """How one run ended. Its status is `running` when its job leaves it at a mark.

    `seconds`: wall time of training and evaluation.
    """

    run_id: str
    status: Status
    step: int = 0
    seconds: float = 0.0
    diverged: Divergence | None = None
    error: str | None = None

    @classmethod
    def of(cls, run_id: str, state: State) -> Ended:
        """The event of a run whose folder holds this state."""
        diverged = Divergence(**state.diverged) if state.diverged else None
        return cls(run_id, state.status, state.step, state.seconds, diverged, state.error)


@dataclass(frozen=True)
class Busy:
    """Another process fills one of these runs; the job has to be tried again later."""

    runs: tuple[str, ...]


@dataclass(frozen=True)
class Idle:
    """The worker has no job."""


@dataclass(frozen=True)
class OutOfMemory:
    """The memory of the device did not suffice for these runs; the parent tries them in another way."""

    runs: tuple[str, ...]
    error: str


@dataclass(frozen=True)
class PeakMemory:
    """The most bytes of its GPU that a worker has held during a job."""

    size: int


Event = Ready | Started | Progressed | Noted | Ended | Busy | OutOfMemory | PeakMemory | Idle
Listen = Callable[[Event], None]
KINDS: dict[str, type[Event]] = {
    "ready": Ready,
    "started": Started,
    "progressed": Progressed,
    "noted": Noted,
    "ended": Ended,
    "busy": Busy,
    "out_of_memory": OutOfMemory,
    "peak_memory": PeakMemory,
    "idle": Idle,
}
NAMES = {kind: name for name, kind in KINDS.items()}


class Listener(Protocol):
    """Where the progress of a suite is shown."""

    def say(self, text: str) -> None:
        """Show a message."""

    def begin(self, name: str, runs: int, steps: int) -> None:
        """So many runs, with so many steps in all, are about to start."""

    def hear(self, event: Event) -> None:
        """Show an event."""

    def close(self) -> None:
        """No more events come."""


def encode(event: Event) -> str:
    """An event as one line of JSON."""
    return json.dumps({"event": NAMES[type(event)], **asdict(event)})


def decode(line: str) -> Event:
    """The event that was encoded."""
    body: dict[str, Any] = json.loads(line)
    kind: Callable[..., Event] = KINDS[body.pop("event")]
    if kind is Ended and body["diverged"]:
        body["diverged"] = Divergence(**body["diverged"])
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in body.items()})
