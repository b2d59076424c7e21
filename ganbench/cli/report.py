"""`ganbench report`: tables of a suite, or the comparison of two."""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ganbench.cli.completion import suite_names
from ganbench.cli.exit_codes import DONE
from ganbench.cli.options import as_json, collected, results
from ganbench.cli.terminal import answer, answer_files
from ganbench.errors import RequestError

if TYPE_CHECKING:
    from ganbench.report import Study


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What `ganbench report` takes."""

    suites: tuple[str, ...]
    results: Path
    format: str
    rule: str | None
    only: Literal["claims", "outcomes", "scores"] | None
    table: str | None
    replication: Path | None
    out: Path | None
    publish: Path | None
    fail_on: Literal["worse"] | None
    suite: str | None
    as_json: bool


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's cyclic garbage collector, which would walk over all rows again and again and find nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@click.command()
@click.argument("suites", nargs=-1, metavar="[SUITE] [OTHER]", shell_complete=suite_names)
@results
@click.option("--format", default="markdown", show_default=True,
              type=click.Choice(["markdown", "csv", "runs", "terms", "latex", "html", "json"]),
              help="CSV of scores (csv), of runs (runs) or of the training curves (terms).")  # fmt: skip
@click.option("--rule", metavar="last|tail|best:METRIC", help="How the marks of a run become one number.")
@click.option(
    "--only",
    type=click.Choice(["claims", "outcomes", "scores"]),
    help="Only the tables of the claims, of how runs ended, or of the scores (markdown, latex, html).",
)
@click.option("--table", metavar="NAME",
              help="Only the table of this name (markdown, latex, html), such as stability-digits-headline. The name is"
                   " the label of the table in LaTeX; an unknown name lists all of them.")  # fmt: skip
@click.option("--replication", type=click.Path(path_type=Path), metavar="DIR|FILE.zip",
              help="Results of the same suite with other seeds: its claims are tested on them too, and both answers"
                   " stand side by side.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Write to a file instead of stdout.")
@click.option("--publish", type=click.Path(path_type=Path), metavar="DIR",
              help="Write every format, the environment and the figures (PDF, PNG) into a folder.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["worse"]),
              help="For two suites: exit with 1 when the second is significantly worse in any metric, in its rate of"
                   " collapse or in its rate of divergence, or when it lost a run. A run is lost when the first suite"
                   " has its number and the second does not, because the run failed, is missing, diverged or was not"
                   " measured. A suite of the first results folder that the second lacks is lost too. Exit with 2 when"
                   " there are too few pairs for any difference to be significant.")  # fmt: skip
@click.option("--suite", metavar="NAME",
              help="For results folders in which several suites ran: the suite to compare. The default is every suite"
                   " that both have.")  # fmt: skip
@as_json
@collected(ReportOptions)
@_uncollected()
def report(options: ReportOptions) -> int:
    """Summarise a suite in tables, or compare two results. Two suites or results folders are compared cell by cell.

    A file that `ganbench archive` wrote is read like a results folder.
    To compare, a word that names a suite is that suite; write `stability/` for a results folder of the same name.

    \b
    Examples:
      ganbench report stability
      ganbench report stability --only claims
      ganbench report stability --format latex --out table.tex
      ganbench report stability --format latex --table stability-claims
      ganbench report stability --format html --out report.html
      ganbench report stability --format runs | column -ts,
      ganbench report stability --publish paper/
      ganbench report stability --replication other-seeds/
      ganbench report stability.zip
      ganbench report results-before/ results-after/ --fail-on worse
      ganbench report results-before/ results-after/ --suite stability
    """
    from ganbench.cli.request import writing

    suites = options.suites
    _check(options)
    if options.as_json:
        options = replace(options, format="json")
    if options.publish:
        return _publish(options, options.publish)
    text, code = _compare(options) if len(suites) == 2 else (_render(options), DONE)
    if options.out is None:
        answer(text)
        return code
    with writing("--out", options.out):
        options.out.write_text(text + "\n", encoding="utf-8", errors="replace")
    return code


def _check(options: ReportOptions) -> None:
    """Raise `RequestError` for options that do not go together."""
    suites = options.suites
    if len(suites) > 2 or (options.fail_on and len(suites) != 2):
        raise RequestError("ganbench report", f"{len(suites)} suites", "one, or two to compare: ganbench report A B")
    if len(suites) == 2 and options.publish:
        raise RequestError("--publish", "two suites", "one suite", "write the comparison with --out")
    chosen = options.only or options.table
    if options.only and options.table:
        raise RequestError("--only", "--table too", "one of them", "leave out --only: the table is one already")
    if chosen and (len(suites) == 2 or options.publish):
        given = "it chooses among the tables of one suite"
        raise RequestError("--only, --table", given, "one suite, without --publish", "leave it out")
    if options.suite and len(suites) != 2:
        todo = f"ganbench report {options.suite}"
        raise RequestError("--suite", "it chooses among the suites of two results folders", todo=f"write {todo}")
    if options.replication and len(suites) == 2:
        given = "it tests the claims of one suite on other seeds"
        raise RequestError("--replication", given, "one suite", "leave out --replication, or the second suite")


def _publish(options: ReportOptions, folder: Path) -> int:
    """Write everything about one suite into a folder, and print the paths."""
    from ganbench.cli.request import writing
    from ganbench.report import publish

    with _study(options) as study, writing("--publish", folder):
        paths = publish(study, folder)
    answer_files(paths, options.as_json)
    return DONE


def _render(options: ReportOptions) -> str:
    """The report of one suite."""
    from ganbench.report import Selection, format_study

    with _study(options) as study:
        return format_study(study, options.format, Selection(options.only, options.table), _width(options))


def _width(options: ReportOptions) -> int | None:
    """The width of the terminal that shows the report; None for a file or a pipe."""
    return shutil.get_terminal_size().columns if options.out is None and sys.stdout.isatty() else None


@contextmanager
def _study(options: ReportOptions) -> Iterator[Study]:
    """The results of one suite and those that replicate it. Either may be in an archive, which is open meanwhile."""
    from ganbench.cli.request import print_damage, suite_name
    from ganbench.report import read_study
    from ganbench.results.unpacked import is_archive, opened

    typed = options.suites[0] if options.suites else None
    within = typed is not None and is_archive(Path(typed))
    again = opened(options.replication) if options.replication else nullcontext()
    with opened(Path(typed) if typed and within else options.results) as store, again as other:
        study = read_study(store, suite_name(store, None if within else typed), options.rule, other)
        print_damage(study.damage)
        yield study


def _compare(options: ReportOptions) -> tuple[str, int]:
    """The comparison of two suites or results folders, and the exit code."""
    from ganbench.cli.comparison import compare, exit_code
    from ganbench.report import format_comparisons

    names = (options.suites[0], options.suites[1])
    compared = compare(names, options.results, options.suite, options.rule)
    text = format_comparisons(compared.found, options.format)
    return text, exit_code(compared, options.fail_on) if options.fail_on else DONE
