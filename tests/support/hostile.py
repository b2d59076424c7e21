"""Calls of the command with hostile input, in this process: what it answers, and what it must never do."""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ganbench.cli import main

SECONDS = 30.0  # of CPU time; no input of a few kilobytes takes a tenth of it
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pickle.find_class")  # audit events
WRITES = ("w", "a", "x", "+")

_watched: list[str] | None = None  # what happens while a command is watched


@dataclass(frozen=True)
class Answer:
    """The exit code of a command and what it printed."""

    code: int
    out: str
    err: str


def called(words: list[str], capsys: pytest.CaptureFixture[str], inside: Path) -> Answer:
    """Run `ganbench WORDS`. It fails for an unexpected exception, a hang, a started program, loaded code, and a file
    that is written outside a folder.
    """
    with pytest.MonkeyPatch.context() as patch, limited(), watched() as seen:
        patch.setattr(sys, "argv", ["ganbench", *words])
        with pytest.raises(SystemExit) as end:
            main()
    said = capsys.readouterr()
    strange = [what for what in seen if not what.startswith(f"open {inside}")]
    assert not strange, f"{words}: {strange}"
    assert "Traceback" not in said.err and " object at 0x" not in said.err, said.err
    return Answer(int(str(end.value.code)), said.out, said.err)


@contextmanager
def limited() -> Iterator[None]:
    """A hang is a failure."""

    def fail(*_: object) -> None:
        raise AssertionError(f"it took more than {SECONDS:g} s")

    before = signal.signal(signal.SIGVTALRM, fail)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@contextmanager
def watched() -> Iterator[list[str]]:
    """The programs that are started, the classes that are unpickled and the files that are written meanwhile."""
    global _watched
    _watched = seen = list[str]()
    try:
        yield seen
    finally:
        _watched = None


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched is None:
        return
    if event in STARTS:
        _watched.append(f"{event} {arguments}")
    elif event == "open":
        path, mode = str(arguments[0]), str(arguments[1])
        if any(letter in mode for letter in WRITES) and "__pycache__" not in path and path != "/dev/null":
            _watched.append(f"open {path}")


sys.addaudithook(_note)


def damaged(content: bytes, chance: random.Random, words: list[bytes]) -> bytes:
    """A content with one to three accidents: bits, cuts, repetitions, and words from elsewhere."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        content = chance.choice(ACCIDENTS)(content, chance, words)
    return content


def _flipped(content: bytes, chance: random.Random, words: list[bytes]) -> bytes:
    if not content:
        return content
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def _cut(content: bytes, chance: random.Random, words: list[bytes]) -> bytes:
    start, end = _range(content, chance)
    return content[:start] + content[end:]


def _repeated(content: bytes, chance: random.Random, words: list[bytes]) -> bytes:
    start, end = _range(content, chance)
    return content[:end] + content[start:end] * chance.choice((1, 2, 50)) + content[end:]


def _moved(content: bytes, chance: random.Random, words: list[bytes]) -> bytes:
    start, end = _range(content, chance)
    rest = content[:start] + content[end:]
    at = chance.randint(0, len(rest))
    return rest[:at] + content[start:end] + rest[at:]


def _truncated(content: bytes, chance: random.Random, words: list[bytes]) -> bytes:
    return content[: chance.randint(0, len(content))]


def _inserted(content: bytes, chance: random.Random, words: list[bytes]) -> bytes:
    at = chance.randint(0, len(content))
    return content[:at] + chance.choice(words) + content[at:]


def _range(content: bytes, chance: random.Random) -> tuple[int, int]:
    """A piece of the content, mostly a short one."""
    start = chance.randint(0, len(content))
    return start, min(len(content), start + chance.choice((1, 4, 30, 200)))


Accident = Callable[[bytes, random.Random, list[bytes]], bytes]
ACCIDENTS: tuple[Accident, ...] = (_flipped, _cut, _repeated, _moved, _truncated, _inserted)
