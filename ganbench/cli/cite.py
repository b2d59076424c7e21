"""`ganbench cite`: the sources of the components of a suite."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import SuiteOptions, as_json
from ganbench.cli.terminal import answer_either


@click.command()
@click.argument("suite", type=click.Path(path_type=Path))
@as_json
def cite(suite: Path, as_json: bool) -> None:
    """Print the sources of everything that a suite uses.

    \b
    Example:
      ganbench cite suites/stability.yaml
    """
    from ganbench.cli.request import load

    loaded = load(suite, SuiteOptions())
    parts = [part for spec in loaded.specs for part in spec.components().values()]
    sources = {part.kind(): part.source for part in (*parts, *loaded.evaluation.evaluators)}
    text = "\n".join(f"{kind}: {source}" for kind, source in sources.items())
    answer_either({"suite": loaded.name, "sources": sources}, text, as_json)
