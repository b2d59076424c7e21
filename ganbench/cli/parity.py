"""`ganbench parity`: compare this installation with known values."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.exit_codes import DONE, FAILED
from ganbench.cli.options import as_json
from ganbench.cli.terminal import answer_either, note

if TYPE_CHECKING:
    from ganbench.parity import CaseResult


@click.command()
@click.option("--slow", is_flag=True, help="Include slow cases: minutes, and a gigabyte of memory.")
@as_json
def parity(slow: bool, as_json: bool) -> int:
    """Recompute reference cases, closed forms and published values. It prints expected, got and difference.

    Exits with 1 when a case misses its value: then numbers from this installation can't be compared with others.

    \b
    Example:
      ganbench parity
    """
    from ganbench import parity
    from ganbench.api.progress import counted

    cases = [case for case in parity.CASES if slow or not case.slow]
    results = []
    with tempfile.TemporaryDirectory() as folder, counted(len(cases)) as step:
        for case in cases:
            step(case.name)
            results.append(parity.measure_case(case, Path(folder)))
    misses = sum(not result.agrees for result in results)
    answer_either({"cases": [_as_json(result) for result in results]}, _table(results), as_json)
    for protocol in parity.UNCHECKED:
        note(f"not checked on images, because its weights do not come with ganbench: {protocol}")
    note(f"{misses} of {len(results)} cases miss" if misses else f"all {len(results)} cases agree")
    return FAILED if misses else DONE


def _as_json(result: CaseResult) -> dict[str, Any]:
    """A case as JSON values."""
    case = result.case
    numbers = {"got": result.got, "difference": result.difference}
    expected = {"case": case.name, "metric": case.metric, "expected": case.expected, "tolerance": case.tolerance}
    return expected | numbers | {"agrees": result.agrees, "source": case.source}


def _table(results: Sequence[CaseResult]) -> str:
    width = max(len(result.case.name) for result in results)
    lines = [f"{'case':<{width}}  {'expected':>12}  {'got':>12}  {'difference':>10}  {'tolerance':>9}"]
    for result in results:
        case, miss = result.case, "" if result.agrees else "  MISS"
        numbers = f"{case.expected:>12.9g}  {result.got:>12.9g}  {result.difference:>10.1e}  {case.tolerance:>9.1g}"
        lines.append(f"{case.name:<{width}}  {numbers}{miss}")
    return "\n".join(lines)
