"""What a running suite says on stderr: a live display on a terminal, one line a finished run otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeft

from ganbench.executors.base import Event, Outcome


class Talk(Protocol):
    """Where the progress of one suite goes."""

    def say(self, text: str) -> None: ...
    def begin(self, name: str, runs: int, steps: int) -> None: ...
    def hear(self, event: Event) -> None: ...
    def end(self, outcome: Outcome) -> None: ...
    def close(self) -> None: ...


def talk() -> Talk:
    """A live display where stderr is a terminal, plain lines elsewhere."""
    return Live() if sys.stderr.isatty() else Lines()


def line(outcome: Outcome) -> str:
    """`done      lsgan-ring8-bn0-adam-s0-0123456789  4000 steps  12.1 s`, with the reason of a bad end."""
    why = ""
    if outcome.diverged:
        why = f"  first non-finite: {outcome.diverged['term']} at step {outcome.diverged['step']}"
    elif outcome.error:
        why = f"  {outcome.error}"
    return f"{outcome.status:<9} {outcome.run_id}  {outcome.step} steps  {outcome.seconds:.1f} s{why}"


class Lines:
    """One line for each run that ends, with its number and the suite's size."""

    def __init__(self) -> None:
        self._ended, self._runs = 0, 0

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201

    def begin(self, name: str, runs: int, steps: int) -> None:
        self._ended, self._runs = 0, runs

    def hear(self, event: Event) -> None:
        if event["event"] == "note":
            self.say(event["text"])

    def end(self, outcome: Outcome) -> None:
        self._ended += 1
        self.say(f"[{self._ended}/{self._runs}] {line(outcome)}")

    def close(self) -> None:
        pass


class Live:
    """One line a worker and one for the suite, with the time left."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeLeft(),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._suite: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}  # by the first run of a job in progress
        self._steps: dict[str, int] = {}

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begin(self, name: str, runs: int, steps: int) -> None:
        if self._suite is not None:
            self._progress.remove_task(self._suite)
        self._suite = self._progress.add_task(f"{name} ({runs} runs), steps", total=steps)
        self._progress.start()

    def hear(self, event: Event) -> None:
        if event["event"] == "note":
            self.say(event["text"])
        elif event["event"] == "start":
            self._show(event)
        elif event["event"] == "progress":
            self._advance(event)

    def end(self, outcome: Outcome) -> None:
        for run in [run for run in self._tasks if run == outcome.run_id]:
            self._progress.remove_task(self._tasks.pop(run))
        self.say(line(outcome))

    def close(self) -> None:
        self._progress.stop()

    def _show(self, event: Event) -> None:
        run, pack = event["runs"][0], len(event["runs"])
        if run not in self._tasks:
            text = f"  {run}" + (f" and {pack - 1} more" if pack > 1 else "")
            self._tasks[run] = self._progress.add_task(text, total=event["steps"])
            self._steps[run] = 0

    def _advance(self, event: dict[str, Any]) -> None:
        run, pack = event["runs"][0], len(event["runs"])
        gained = event["step"] - self._steps.get(run, 0)
        self._steps[run] = event["step"]
        if run in self._tasks:
            self._progress.update(self._tasks[run], completed=event["step"])
        if self._suite is not None:
            self._progress.advance(self._suite, gained * pack)


@contextmanager
def counted(total: int) -> Iterator[Callable[[str], None]]:
    """Yield a function that is called with a text before each step.

    A terminal shows a bar with the time left; elsewhere, each step is one line.
    """
    if not sys.stderr.isatty():
        lines, numbers = Lines(), iter(range(1, total + 1))
        yield lambda text: lines.say(f"[{next(numbers)}/{total}] {text}")
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeLeft())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task, finished = progress.add_task("", total=total), iter(range(total))
        yield lambda text: progress.update(task, description=text, completed=next(finished))
