"""`ganbench check`: validate suite files without running anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.options import SuiteOptions, as_json, collected, suite_options
from ganbench.cli.terminal import answer, answer_json, note
from ganbench.errors import SuiteError

if TYPE_CHECKING:
    from ganbench.report.analysis.power import PartPower
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
    """Print every mistake of suite files, or how many runs they have. Each mistake has its line. Nothing is written.

    Components of your own are tried on a few samples. With `--power`, a table says what the claims of each suite can
    show with its seeds, and a suite whose data are absent is named and left out.

    \b
    Examples:
      ganbench check suites/quick.yaml suites/stability.yaml
      ganbench check suites/ring.yaml --power
    """
    from ganbench.cli.request import load, print_excluded
    from ganbench.report.analysis.power import powers

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
        _try_components(suite)
        found = powers(suite.planned) if options.power else None
        if options.as_json:
            answer_json(_body(path, suite, found))
        else:
            answer(f"{path}: {len(suite.specs)} runs, {len(suite.excluded)} excluded")
        print_excluded(suite)
        if found is not None and not options.as_json:
            tables += _print_power(suite, found)
    if tables:
        from ganbench.report.model.power_table import CAPTION

        answer(CAPTION)


def _try_components(suite: Suite) -> None:
    """Try a user's components, and warn of evaluators without enough memory.

    Raises `RequestError` for a component that fails on a few samples.
    """
    from ganbench.datasets.parts.files import data_root
    from ganbench.runner.dry_pass import check_components
    from ganbench.runner.plan import job_of
    from ganbench.runner.run import memory_share, memory_warnings

    check_components((job_of(suite, (spec,)) for spec in suite.specs), data_root())
    for text in memory_warnings(suite, data_root(), memory_share(1)):
        note(text)


def _body(path: Path, suite: Suite, found: Sequence[PartPower] | None) -> dict[str, Any]:
    """What was checked of a suite, as JSON values; `parts` is None without `--power`."""
    from ganbench.cli.request import left_out
    from ganbench.report.model.power_table import power_json

    parts = None if found is None else power_json(found)
    head = {"suite": suite.name, "file": str(path), "runs": len(suite.specs)}
    return {**head, **left_out(suite), "parts": parts}


def _print_power(suite: Suite, found: Sequence[PartPower]) -> bool:
    """Print a table of what the claims of a suite can show. Returns whether it has claims."""
    from ganbench.report.model.power_table import answerable_text, power_table
    from ganbench.report.render import markdown

    if not found:
        answer("it has no claims")
        return False
    answer(f"{answerable_text(suite.planned)}\n\n{markdown.table(power_table(found))}\n")
    return True
