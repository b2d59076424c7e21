"""What crosses the pipe of a worker process arrives as it was sent: its settings and its events."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args

import pytest

from ganbench.results.state import State
from ganbench.runner import events, settings
from ganbench.runner.events import Busy, Ended, Event, Idle, Noted, OutOfMemory, PeakMemory, Progressed, Ready, Started
from ganbench.runner.settings import WorkerSettings
from ganbench.training.snapshot import Divergence

EVENTS: list[Event] = [
    Ready(),
    Started(("a", "b"), 4000),
    Progressed(("a",), 40),
    Noted("two\nlines and a “quote”"),
    Ended("a", "done", 4000, 12.5),
    Ended("b", "diverged", 812, 0.25, Divergence(812, "d/real")),
    Ended("c", "failed", error="OSError: [Errno 28] No space left on device"),
    Busy(("a", "b")),
    OutOfMemory(("a",), "OutOfMemoryError: CUDA out of memory"),
    PeakMemory(3 * 2**30),
    Idle(),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_one_line_and_arrives_as_it_was_sent(event: Event) -> None:
    line = events.encode(event)
    assert "\n" not in line and events.decode(line) == event


def test_every_kind_of_event_has_a_name() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event)) == set(events.KINDS.values())


def test_a_run_ends_with_what_its_state_says() -> None:
    state = State("diverged", 812, 3.0, diverged={"step": 811, "term": "g/fake"})
    assert Ended.of("a", state) == Ended("a", "diverged", 812, 3.0, Divergence(811, "g/fake"))
    assert Ended.of("a", State("failed", error="no luck")) == Ended("a", "failed", error="no luck")


def test_settings_arrive_as_they_were_sent() -> None:
    full = WorkerSettings(
        results=Path("/results"),
        data=Path("/data"),
        plugins=(Path("/a.py"), Path("/b.py")),
        device="cuda:1",
        threads=4,
        memory=10**9,
        device_memory=10**10,
        by_memory=True,
        share=0.5,
        inception=Path("/weights.pth"),
        download_inception=True,
        record_packages=True,
        save_every=0.5,
    )
    unchanged = [f.name for f in fields(full) if f.default is not MISSING and getattr(full, f.name) == f.default]
    assert not unchanged, "every setting is tried at another value than its default"
    for sent in (full, WorkerSettings(Path("results"))):
        line = settings.encode(sent)
        assert "\n" not in line and settings.decode(line) == sent
