"""The progress of a suite on stderr: a live display on a terminal, elsewhere one line for each run that ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeft

from ganbench.runner.events import Ended, Event, Listener, Noted, Progressed, Started
from ganbench.text import printable

if TYPE_CHECKING:
    from IPython.display import ProgressBar


Talk = Literal["quiet", "verbose"]  # less and more than usual


def progress_display(talk: Talk | None = None) -> Listener:
    """A live display where stderr is a terminal, a bar in a notebook, plain lines elsewhere."""
    if talk is not None:
        return Lines(talk)
    if _in_notebook():
        return NotebookBar()
    return Live() if sys.stderr.isatty() else Lines()


def _in_notebook() -> bool:
    """Whether a notebook's kernel runs this program: the package alone may be imported in any program."""
    kernel = sys.modules.get("ipykernel.kernelapp")
    return kernel is not None and bool(kernel.IPKernelApp.initialized())


def line(ended: Ended) -> str:
    """`done      lsgan-ring8-bn0-adam-s0-0123456789  4000 steps  12.1 s`, with the reason of a bad end."""
    why = ""
    if ended.diverged:
        why = f"  first non-finite: {ended.diverged.term} at step {ended.diverged.step}"
    elif ended.error:
        why = f"  {ended.error}"
    status = "paused" if ended.status == "running" else ended.status
    return f"{status:<9} {ended.run_id}  {ended.step} steps  {ended.seconds:.1f} s{why}"


class Lines:
    """One line for each run that ends, with its number and the suite's size.

    Quiet: only of notes and of runs that failed. Verbose: also of jobs that start, and of the steps that they reach.
    """

    def __init__(self, talk: Talk | None = None) -> None:
        self._talk = talk
        self._ended, self._runs = 0, 0
        self._noted: set[str] = set()

    def say(self, text: str) -> None:
        if self._talk != "quiet":
            self._print(text)

    def begin(self, name: str, runs: int, steps: int) -> None:
        self._ended, self._runs = 0, runs

    def hear(self, event: Event) -> None:
        match event:
            case Noted(text) if text not in self._noted:  # every worker that reads a dataset sends its notes
                self._noted.add(text)
                self._print(text)
            case Started(runs, steps) if self._talk == "verbose":
                self._print(f"starting  {_named(runs)}  {steps} steps")
            case Progressed(runs, step) if self._talk == "verbose":
                self._print(f"step {step}  {_named(runs)}")
            case Ended():
                self._ended += 1
                if self._talk != "quiet" or event.status == "failed":
                    self._print(f"[{self._ended}/{self._runs}] {line(event)}")

    def close(self) -> None:
        pass

    def _print(self, text: str) -> None:
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()


class Live:
    """One line a worker and one for the suite, with the time left."""

    def __init__(self) -> None:
        self._progress = Progress(*_columns(), console=Console(stderr=True), transient=True)
        self._suite: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}  # by the first run of a job in progress
        self._steps: dict[str, int] = {}
        self._noted: set[str] = set()

    def say(self, text: str) -> None:
        self._progress.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

    def begin(self, name: str, runs: int, steps: int) -> None:
        if self._suite is not None:
            self._progress.remove_task(self._suite)
        self._suite = self._progress.add_task(printable(f"{name} ({runs} runs), steps"), total=steps)
        self._progress.start()

    def hear(self, event: Event) -> None:
        match event:
            case Noted(text) if text not in self._noted:  # every worker that reads a dataset sends its notes
                self._noted.add(text)
                self.say(text)
            case Started():
                self._show(event)
            case Progressed():
                self._advance(event)
            case Ended():
                if event.run_id in self._tasks:
                    self._progress.remove_task(self._tasks.pop(event.run_id))
                self.say(line(event))

    def close(self) -> None:
        self._progress.stop()

    def _show(self, started: Started) -> None:
        run = started.runs[0]
        if run not in self._tasks:
            text = printable(f"  {_named(started.runs)}")
            self._tasks[run] = self._progress.add_task(text, total=started.steps)
            self._steps[run] = 0

    def _advance(self, progressed: Progressed) -> None:
        run, pack = progressed.runs[0], len(progressed.runs)
        gained = progressed.step - self._steps.get(run, 0)
        self._steps[run] = progressed.step
        if run in self._tasks:
            self._progress.update(self._tasks[run], completed=progressed.step)
        if self._suite is not None:
            self._progress.advance(self._suite, gained * pack)


class NotebookBar:
    """One bar for a suite in the output of a notebook's cell, and a line for what a user should read."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._bar: ProgressBar | None = None
        self._steps: dict[str, int] = {}  # by the first run of a job in progress

    def say(self, text: str) -> None:
        self._lines.say(text)

    def begin(self, name: str, runs: int, steps: int) -> None:
        from IPython.display import ProgressBar

        self._lines.begin(name, runs, steps)
        self._bar = ProgressBar(steps)
        self._bar.display()

    def hear(self, event: Event) -> None:
        match event:
            case Progressed(runs, step) if self._bar is not None:
                self._bar.progress += (step - self._steps.get(runs[0], 0)) * len(runs)
                self._steps[runs[0]] = step
            case Noted() | Ended():
                self._lines.hear(event)

    def close(self) -> None:
        pass


@contextmanager
def counted(total: int) -> Iterator[Callable[[str], None]]:
    """Yield a function that is called with a text before each step.

    A terminal shows a bar with the time left; elsewhere, each step is one line.
    """
    if not sys.stderr.isatty():
        lines, numbers = Lines(), iter(range(1, total + 1))
        yield lambda text: lines.say(f"[{next(numbers)}/{total}] {text}")
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeLeft(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task, finished = progress.add_task("", total=total), iter(range(total))
        yield lambda text: progress.update(task, description=printable(text), completed=next(finished))


def _named(runs: Sequence[str]) -> str:
    """The runs of a job in few words."""
    return runs[0] + (f" and {len(runs) - 1} more" if len(runs) > 1 else "")


def _columns() -> tuple[ProgressColumn, ...]:
    """A text without markup, which a name could hold, a bar, the count and two times."""
    text = TextColumn("{task.description}", markup=False)
    return (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeLeft())
