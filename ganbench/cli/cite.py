"""`ganbench cite`: the sources of the components of a suite."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import SuiteOptions, as_json
from ganbench.cli.terminal import answer, answer_json


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
    if as_json:
        answer_json({"suite": loaded.name, "sources": sources})
        return
    for kind, source in sources.items():
        answer(f"{kind}: {source}")
