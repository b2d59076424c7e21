"""What commands print: answers on stdout, notes on stderr. Texts reach the terminal here and nowhere else.

Names, messages and logs come from files that strangers may have made, so characters that a terminal obeys are shown
escaped. What rich draws is cleaned by `printable` as well.
"""

from __future__ import annotations

import io

import click

from ganbench.text import printable


def answer(text: str) -> None:
    """Print on stdout."""
    click.echo(printable(text))


def note(text: str) -> None:
    """Print on stderr."""
    click.echo(printable(text), err=True)


def note_usage(error: click.ClickException) -> None:
    """Print how a command is used and what was wrong, on stderr."""
    message = io.StringIO()
    error.show(message)
    note(message.getvalue().removesuffix("\n"))
