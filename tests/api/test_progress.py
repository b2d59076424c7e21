"""What a running suite says where stderr is no terminal, and that the live display keeps count."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ganbench.api.progress import Lines, Live, line, progress_display
from ganbench.runner.events import Ended, Noted, Progressed, Started
from ganbench.training.snapshot import Divergence

DONE = Ended("ns-ring8-s0", "done", step=4000, seconds=12.06)
DIVERGED = Ended("lsgan-s1", "diverged", 900, 3.0, Divergence(812, "d/real"))
FAILED = Ended("wgan-s2", "failed", 7, 0.04, error="OSError: [Errno 28] No space left on device")


def test_lines_of_runs_that_ended() -> None:
    assert line(DONE) == "done      ns-ring8-s0  4000 steps  12.1 s"
    assert line(DIVERGED) == "diverged  lsgan-s1  900 steps  3.0 s  first non-finite: d/real at step 812"
    assert line(FAILED) == "failed    wgan-s2  7 steps  0.0 s  OSError: [Errno 28] No space left on device"
    assert line(Ended("ns-s3", "running", step=40)) == "paused    ns-s3  40 steps  0.0 s"


def test_one_line_a_run_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.begin("study", 3, 8000)
    lines.hear(Started(("ns-ring8-s0",), 4000))
    lines.hear(Progressed(("ns-ring8-s0",), 40))
    for _ in range(2):  # two workers
        lines.hear(Noted("training the classifier"))
    for ended in (DONE, DIVERGED, FAILED):
        lines.hear(ended)
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
        lines.hear(DONE)
    assert [text[:5] for text in capsys.readouterr().err.splitlines()] == ["[1/1]", "[1/1]"]


def test_quiet_prints_only_what_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = progress_display("quiet")
    quiet.begin("study", 3, 300)
    quiet.say("study: 3 runs")
    for event in (Started(("a",), 100), Progressed(("a",), 50), Noted("a note"), DONE, DIVERGED, FAILED):
        quiet.hear(event)
    assert capsys.readouterr().err.splitlines() == ["a note", f"[3/3] {line(FAILED)}"]


def test_verbose_prints_starts_and_steps_too(capsys: pytest.CaptureFixture[str]) -> None:
    verbose = progress_display("verbose")
    verbose.begin("study", 1, 100)
    for event in (Started(("a", "b"), 100), Progressed(("a", "b"), 50), DONE):
        verbose.hear(event)
    starting, step, ended = capsys.readouterr().err.splitlines()
    assert (starting, step) == ("starting  a and 1 more  100 steps", "step 50  a and 1 more")
    assert ended == f"[1/1] {line(DONE)}"


def test_a_file_gets_lines_and_a_terminal_the_live_display(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(progress_display(), Lines)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert isinstance(progress_display(), Live)


@pytest.fixture
def live() -> Live:
    display = Live()
    display._progress.live.console = Console(file=io.StringIO(), force_terminal=True, width=200)
    return display


def test_the_live_display_keeps_count(live: Live) -> None:
    """Steps of a pack count for each of its runs; a job that starts again, or before `begin`, breaks nothing."""
    live.begin("study", 4, 400)
    live.hear(Started(("a", "b"), 100))
    live.hear(Progressed(("a", "b"), 30))
    live.hear(Progressed(("c",), 100))
    live.hear(Noted("[not a style]"))
    suite, job = live._progress.tasks
    assert (suite.completed, suite.total) == (160, 400) and (job.completed, job.total) == (30, 100)
    assert "a and 1 more" in job.description
    live.hear(Ended("a", "done"))
    live.hear(Ended("b", "done"))
    assert [task.description for task in live._progress.tasks] == ["study (4 runs), steps"]
    live.close()
    text = live._progress.console.file.getvalue()  # type: ignore[attr-defined]
    assert "[not a style]" in text
