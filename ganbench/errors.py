"""The exceptions of ganbench. Each message says where, what was given, what is allowed and what to do next.

GanbenchError
|- RequestError      the request is wrong: nothing ran, exit code 2
|  '- SuiteError     one or more located mistakes in a suite file
'- DamagedRun        a file of a run folder can't be believed: the run is redone

Divergence and collapse are not here: they are measured outcomes of a run. Neither is a run that could not be finished:
that is recorded in its folder, and the others go on.
"""

from __future__ import annotations

from dataclasses import dataclass, field


class GanbenchError(Exception):
    """An error that prints as one sentence a user can act on: `where: given. allowed. todo`."""

    def __init__(self, where: str, given: str, allowed: str = "", todo: str = "") -> None:
        self.where, self.given, self.allowed, self.todo = where, given, allowed, todo
        sentences = [part.rstrip(".") for part in (given, allowed, todo) if part]
        super().__init__(f"{where}: " + ". ".join(sentences))


class RequestError(GanbenchError):
    """The request can't be carried out as it stands; nothing was run."""


class DamagedRun(GanbenchError):
    """A file in a run folder is unreadable, truncated or not what its state says."""


@dataclass(frozen=True)
class Mistake:
    """One located mistake: `file:line:column  message`, the offending line with a caret, and what is allowed."""

    place: str  # "suites/x.yaml:5:5"
    message: str
    line: str = ""  # the text of the offending line
    column: int = 0  # 1-based column of the caret
    hints: tuple[str, ...] = field(default=())  # "did you mean 'n_critic'?", "allowed: ..."

    def __str__(self) -> str:
        text = ". ".join((self.message, *self.hints))
        caret = f"\n    {self.line}\n    {' ' * (self.column - 1)}^" if self.line else ""
        return f"{self.place}  {text}{caret}"


class SuiteError(RequestError):
    """Every mistake of a suite at once."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        count = f"{len(mistakes)} mistake{'s' if len(mistakes) != 1 else ''}; nothing was run."
        Exception.__init__(self, "\n".join([*map(str, mistakes), count]))
