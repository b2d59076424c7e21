"""`ganbench schema`: the JSON Schema of suite files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ganbench.cli.terminal import answer


@click.command()
@click.option("--plugin", "plugins", multiple=True, type=click.Path(path_type=Path), help="A file with your component.")
def schema(plugins: tuple[Path, ...]) -> None:
    """Print the JSON Schema of suite files, for editors. With --plugin it checks components of your own too.

    Without it, a suite that has `plugins` or `include` may name any kind, with any options.

    \b
    Examples:
      ganbench schema > suite.schema.json
      ganbench schema --plugin my_gan.py > suite.schema.json
    """
    from ganbench import suite
    from ganbench.plugins import Registry

    answer(json.dumps(suite.schema(Registry.of(plugins) if plugins else None), indent=2))
