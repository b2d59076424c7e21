"""What commands print: answers on stdout, notes on stderr. Texts reach the terminal here and nowhere else.

Names, messages and logs come from files that strangers may have made, so characters that a terminal obeys are shown
escaped. What rich draws is cleaned by `printable` as well.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ganbench.text import json_answer, printable


def answer(text: str) -> None:
    """Print on stdout."""
    click.echo(printable(text))


def answer_json(body: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout, on a line of its own."""
    answer(json_answer(body))


def answer_either(body: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Print an answer as one JSON object or as text."""
    answer(json_answer(body) if as_json else text)


def answer_files(paths: Sequence[Path], as_json: bool) -> None:
    """Print which files a command has written: a line for each, or one JSON object."""
    files = [str(path) for path in paths]
    answer_either({"files": files}, "\n".join(files), as_json)


def note(text: str) -> None:
    """Print on stderr."""
    click.echo(printable(text), err=True)


def note_usage(error: click.ClickException) -> None:
    """Print how a command is used and what was wrong, on stderr."""
    message = io.StringIO()
    error.show(message)
    note(message.getvalue().removesuffix("\n"))
