"""`ganbench check`: validate suite files without running anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.options import SuiteOptions, as_json, collected, suite_options
from ganbench.cli.terminal import answer, note
from ganbench.errors import RequestError, SuiteError

if TYPE_CHECKING:
    from ganbench.suite import Suite


@dataclass(frozen=True, kw_only=True)
class CheckOptions(SuiteOptions):
    """What `ganbench check` takes."""

    suites: tuple[Path, ...]
    power: bool
    as_json: bool


@click.command()
@click.argument("suites", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SUITE...")
@suite_options
@click.option("--power", is_flag=True, help="Print the smallest effect and the power of each claim.")
@as_json
@collected(CheckOptions)
def check(options: CheckOptions) -> None:
    """Check suite files: print every mistake with its line, or how many runs there would be. Nothing is written.

    Components of your own are tried on a few samples. With `--power`, a table says what the claims of each suite can
    show with its seeds, and a suite whose data are absent is named and left out.

    \b
    Examples:
      ganbench check suites/quick.yaml suites/stability.yaml
      ganbench check suites/ring.yaml --power
    """
    from ganbench.cli.request import load

    if options.as_json and not options.power:
        raise RequestError("--json", "there is JSON of the power alone", todo="add --power")
    tables = 0
    for path in options.suites:
        try:
            suite = load(path, options)
        except SuiteError as error:
            if not (options.power and error.data_absent):
                raise
            note(f"{path}: its claims can't be checked, because its data are absent: {error.mistakes[0].place}, "
                 f"{error.mistakes[0].message}")  # fmt: skip
            continue
        _print_checked(path, suite, options)
        if options.power:
            tables += _print_power(suite, options.as_json)
    if tables:
        from ganbench.report.model.power_table import CAPTION

        answer(CAPTION)


def _print_checked(path: Path, suite: Suite, options: CheckOptions) -> None:
    """Print what was checked of a suite. Raises `RequestError` for a component that fails on a few samples."""
    from ganbench.cli.request import print_excluded
    from ganbench.datasets.parts.files import data_root
    from ganbench.runner.dry_pass import check_components
    from ganbench.runner.plan import job_of
    from ganbench.runner.run import memory_share, memory_warnings

    check_components((job_of(suite, (spec,)) for spec in suite.specs), data_root())
    for text in memory_warnings(suite, data_root(), memory_share(1)):
        note(text)
    if not options.as_json:
        answer(f"{path}: {len(suite.specs)} runs, {len(suite.excluded)} excluded")
    print_excluded(suite)


def _print_power(suite: Suite, as_json: bool) -> bool:
    """Print what the claims of a suite can show: one line of JSON, or a table. Returns whether it was a table."""
    from ganbench.report.analysis.power import powers
    from ganbench.report.model.power_table import answerable_text, power_json, power_table
    from ganbench.report.render import markdown

    found = powers(suite.planned)
    if as_json:
        answer(json.dumps(power_json(suite.name, found)))
    elif not found:
        answer("it has no claims")
    else:
        answer(f"{answerable_text(suite.planned)}\n\n{markdown.table(power_table(found))}\n")
        return True
    return False
