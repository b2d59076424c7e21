"""Ctrl-C while runs are in progress: their workers are asked to save and to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.guard.interrupts import is_heeded

if TYPE_CHECKING:
    from ganbench.runner.events import Event, Listener

INTERRUPTED_TEXT = "interrupted; finished work is kept. Run the same line again to continue."


@contextmanager
def interruptible(listener: Listener) -> Iterator[Listener]:
    """Within, Ctrl-C raises `KeyboardInterrupt`, once more at the next event for the listener where it was dropped."""
    typed: list[bool] = []

    def note(*_: object) -> None:
        typed.append(True)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note) if is_heeded() else None
    try:
        yield Interruptible(listener, typed)
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class Interruptible:
    """A listener that raises `KeyboardInterrupt` at an event after Ctrl-C was `typed`."""

    listener: Listener
    typed: list[bool]

    def say(self, text: str) -> None:
        self.listener.say(text)

    def begin(self, name: str, runs: int, steps: int) -> None:
        self.listener.begin(name, runs, steps)

    def hear(self, event: Event) -> None:
        if self.typed:
            raise KeyboardInterrupt
        self.listener.hear(event)

    def close(self) -> None:
        self.listener.close()
