"""`ganbench cite`: the sources of the components of a suite."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import SuiteOptions
from ganbench.cli.terminal import answer


@click.command()
@click.argument("suite", type=click.Path(path_type=Path))
def cite(suite: Path) -> None:
    """Print the sources of everything that a suite uses.

    \b
    Example:
      ganbench cite suites/stability.yaml
    """
    from ganbench.cli.request import load

    loaded = load(suite, SuiteOptions())
    parts = [part for spec in loaded.specs for part in spec.components().values()]
    sources = {part.kind(): part.source for part in (*parts, *loaded.evaluation.evaluators)}
    for kind, source in sources.items():
        answer(f"{kind}: {source}")
