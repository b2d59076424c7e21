"""The commands that read: reports of results, and what there is to use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganbench.cli.options import as_json, results


@click.command()
@click.argument("suites", nargs=-1, metavar="[SUITE] [OTHER]")
@results
@click.option("--format", "format_", default="markdown", show_default=True,
              type=click.Choice(["markdown", "csv", "latex", "html", "json"]))  # fmt: skip
@click.option("--rule", metavar="last|tail|best:METRIC", help="How a run's marks become one number.")
@click.option("--out", type=click.Path(path_type=Path), help="Write to a file instead of stdout.")
@click.option("--publish", type=click.Path(path_type=Path), metavar="DIR",
              help="Write every format, the environment and the figures (PDF, PNG) into a folder.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["worse"]),
              help="Of two suites: exit with 1 when the second is significantly worse in anything, rates of collapse"
                   " and divergence among it, or lost a run: it failed, is missing, diverged or was not measured where"
                   " the first has the number; with 2 when so few pairs could never fail.")  # fmt: skip
def report(suites: tuple[str, ...], **options: Any) -> int:
    """Aggregate a suite's runs into tables; or compare two suites or results folders, cell by cell.

    \b
    Examples:
      ganbench report stability
      ganbench report stability --format latex --out table.tex
      ganbench report stability --format html --out report.html
      ganbench report stability --format csv | column -ts,
      ganbench report stability --publish paper/
      ganbench report results-before/ results-after/ --fail-on worse
    """
    from ganbench.commands import reading

    return reading.report(suites, options)


@click.command()
@click.argument("run_id", metavar="RUN")
@results
def show(run_id: str, results: Path) -> None:
    """Show one run: its spec, state, scores, files, and the log's end where it failed. A unique beginning is enough.

    \b
    Example:
      ganbench show lsgan-ring8-bn0-adam-s0
    """
    from ganbench.commands import reading

    reading.show(results, run_id)


@click.command("list")
@click.argument("family", required=False)
@click.option("--plugin", "plugins", multiple=True, type=click.Path(path_type=Path), help="A file with your component.")
@as_json
def list_(family: str | None, plugins: tuple[Path, ...], as_json: bool) -> None:
    """List variants, datasets, networks, optimizers and evaluators with their sources and options.

    \b
    Examples:
      ganbench list
      ganbench list variants
      ganbench list --json
    """
    from ganbench.commands import reading

    reading.list_(family, plugins, as_json)


@click.command()
def schema() -> None:
    """Print the JSON Schema of suite files, for editors.

    \b
    Example:
      ganbench schema > suite.schema.json
    """
    from ganbench.commands import reading

    reading.schema()


@click.command()
@click.argument("suite", type=click.Path(path_type=Path))
def cite(suite: Path) -> None:
    """Print the sources of everything that a suite uses.

    \b
    Example:
      ganbench cite suites/stability.yaml
    """
    from ganbench.commands import reading

    reading.cite(suite)
