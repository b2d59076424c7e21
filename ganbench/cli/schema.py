"""`ganbench schema`: the JSON Schema of suite files."""

from __future__ import annotations

import json

import click

from ganbench.cli.terminal import answer


@click.command()
def schema() -> None:
    """Print the JSON Schema of suite files, for editors.

    \b
    Example:
      ganbench schema > suite.schema.json
    """
    from ganbench import suite

    answer(json.dumps(suite.schema(), indent=2))
