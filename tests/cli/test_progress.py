"""What a running suite says where stderr is no terminal, and that the live display keeps count."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ganbench.cli.progress import Lines, Live, line, talk
from ganbench.executors.base import Outcome

DONE = Outcome("ns-ring8-s0", "done", step=4000, seconds=12.06)
DIVERGED = Outcome("lsgan-s1", "diverged", 900, 3.0, {"step": 812, "term": "d/real"})
FAILED = Outcome("wgan-s2", "failed", 7, 0.04, error="OSError: [Errno 28] No space left on device")


def test_lines_of_outcomes() -> None:
    assert line(DONE) == "done      ns-ring8-s0  4000 steps  12.1 s"
    assert line(DIVERGED) == "diverged  lsgan-s1  900 steps  3.0 s  first non-finite: d/real at step 812"
    assert line(FAILED) == "failed    wgan-s2  7 steps  0.0 s  OSError: [Errno 28] No space left on device"


def test_one_line_a_run_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.begin("study", 3, 8000)
    lines.hear({"event": "start", "runs": ["ns-ring8-s0"], "steps": 4000})
    lines.hear({"event": "progress", "runs": ["ns-ring8-s0"], "step": 40, "of": 4000})
    lines.hear({"event": "note", "text": "training the classifier"})
    for outcome in (DONE, DIVERGED, FAILED):
        lines.end(outcome)
    lines.close()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "training the classifier",
        f"[1/3] {line(DONE)}",
        f"[2/3] {line(DIVERGED)}",
        f"[3/3] {line(FAILED)}",
    ]


def test_each_suite_counts_anew(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for name in ("one", "two"):
        lines.begin(name, 1, 10)
        lines.end(DONE)
    assert [text[:5] for text in capsys.readouterr().err.splitlines()] == ["[1/1]", "[1/1]"]


def test_a_file_gets_lines_and_a_terminal_the_live_display(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(talk(), Lines)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert isinstance(talk(), Live)


@pytest.fixture
def live() -> Live:
    display = Live()
    display._progress.live.console = Console(file=io.StringIO(), force_terminal=True, width=200)
    return display


def test_the_live_display_keeps_count(live: Live) -> None:
    """Steps of a pack count for each of its runs; a job that starts again, or before `begin`, breaks nothing."""
    live.begin("study", 4, 400)
    live.hear({"event": "start", "runs": ["a", "b"], "steps": 100})
    live.hear({"event": "progress", "runs": ["a", "b"], "step": 30, "of": 100})
    live.hear({"event": "progress", "runs": ["c"], "step": 100, "of": 100})
    live.hear({"event": "note", "text": "[not a style]"})
    suite, job = live._progress.tasks
    assert (suite.completed, suite.total) == (160, 400) and (job.completed, job.total) == (30, 100)
    assert "a and 1 more" in job.description
    live.end(Outcome("a", "done"))
    live.end(Outcome("b", "done"))
    assert [task.description for task in live._progress.tasks] == ["study (4 runs), steps"]
    live.close()
    text = live._progress.console.file.getvalue()  # type: ignore[attr-defined]
    assert "[not a style]" in text
