"""The exceptions of ganbench. Each message says where, what was given, what is allowed and what to do next.

GanbenchError
|- RequestError      the request is wrong; nothing was run, and the exit code is 2
|  |- SuiteError     one or more mistakes in a suite file, each with its place
|  |- AbsentFile     a file that the request names is not on this machine
|  '- SideEffect     a user's component changed the state of the process
|- DamagedRun        a file of a run folder is damaged; the run is done again
'- TakenOver         another process has taken over a run folder; this one writes no more into it

Divergence and collapse are measured outcomes of a run, not exceptions. A run that fails is recorded as failed in its
folder, and the other runs go on.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class GanbenchError(Exception):
    """An error whose message a user can act on: `where: given. allowed. todo`."""

    def __init__(self, where: str, given: str, allowed: str = "", todo: str = "") -> None:
        self.where, self.given, self.allowed, self.todo = where, given, allowed, todo
        sentences = [part.rstrip(".") for part in (given, allowed, todo) if part]
        super().__init__(f"{where}: " + ". ".join(sentences))


class RequestError(GanbenchError):
    """The request can't be carried out; nothing was run."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook prints instead of a traceback: the request is wrong, not the code that it ran through."""
        return f"{type(self).__name__}: {self}".splitlines()


class AbsentFile(RequestError):
    """A file or folder that the request names is not on this machine."""


class SideEffect(RequestError):
    """A user's component changed the state of the process, on which the numbers of other runs depend."""


class DamagedRun(GanbenchError):
    """A file in a run folder is unreadable or truncated, or contradicts the run's state."""


class TakenOver(GanbenchError):
    """Another process has taken the lock of a run folder while this one was suspended or cut off."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in a suite file: its place, the message, the line with a caret, and what is allowed."""

    place: str  # "suites/x.yaml:5:5"
    message: str
    line: str = ""  # the text of the offending line
    column: int = 0  # 1-based column of the caret
    hints: tuple[str, ...] = field(default=())  # "did you mean 'n_critic'?", "allowed: ..."
    absent: bool = False  # a file of the data is not on this machine

    def __str__(self) -> str:
        text = ". ".join((self.message, *self.hints))
        caret = f"\n    {self.line}\n    {' ' * (self.column - 1)}^" if self.line else ""
        return f"{self.place}  {text}{caret}"


class SuiteError(RequestError):
    """All mistakes of a suite file."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        count = f"{len(mistakes)} mistake{'s' if len(mistakes) != 1 else ''}; nothing was run."
        self.data_absent = all(mistake.absent for mistake in mistakes)  # and nothing else is wrong
        Exception.__init__(self, "\n".join([*map(str, mistakes), count]))
