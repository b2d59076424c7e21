"""`ganbench check`: validate suite files without running anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from ganbench.cli.options import SuiteOptions, collected, suite_options
from ganbench.cli.terminal import answer, note


@dataclass(frozen=True, kw_only=True)
class CheckOptions(SuiteOptions):
    """What `ganbench check` takes."""

    suites: tuple[Path, ...]


@click.command()
@click.argument("suites", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SUITE...")
@suite_options
@collected(CheckOptions)
def check(options: CheckOptions) -> None:
    """Check suite files: print every mistake with its line, or how many runs there would be. Nothing is written.

    Components of your own are tried on a few samples.

    \b
    Example:
      ganbench check suites/*.yaml
    """
    from ganbench.cli.request import load, print_excluded
    from ganbench.datasets.parts.files import data_root
    from ganbench.runner.dry_pass import check_components
    from ganbench.runner.plan import job_of
    from ganbench.runner.run import memory_share, memory_warnings

    for path in options.suites:
        suite = load(path, options)
        check_components((job_of(suite, (spec,)) for spec in suite.specs), data_root())
        for text in memory_warnings(suite, data_root(), memory_share(1)):
            note(text)
        answer(f"{path}: {len(suite.specs)} runs, {len(suite.excluded)} excluded")
        print_excluded(suite)
