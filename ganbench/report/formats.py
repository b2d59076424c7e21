"""`ganbench report`: one suite's results in the format asked for."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from ganbench.errors import RequestError
from ganbench.report.model.fingerprints import require_one_fingerprint
from ganbench.report.model.notes import notes
from ganbench.report.model.tables import Report, summarise
from ganbench.report.model.trajectories import check_rule
from ganbench.report.render import figures, html, latex, markdown
from ganbench.results.table import read, tidy_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ganbench.results.store import Store
    from ganbench.results.table import Results


def _json(report: Report) -> str:
    body = asdict(report) | {"notes": notes(report)}
    return json.dumps(body, indent=1, allow_nan=False)


_DRAW: dict[str, Callable[[Report], str]] = {"markdown": markdown.draw, "latex": latex.draw, "json": _json}
FORMATS = ("markdown", "csv", "latex", "html", "json")
FILES = {
    "report.md": "markdown",
    "tidy.csv": "csv",
    "tables.tex": "latex",
    "report.html": "html",
    "report.json": "json",
}


def format_report(store: Store, suite: str | None, format: str, rule: str | None) -> str:
    """A suite's report as text, without a newline at its end.

    `suite` may be None where only one ran; `rule` None is the suite's own `select`. Raises `RequestError` for an
    unknown suite, format or rule, and for a column with two fingerprints.
    """
    if format not in FORMATS:
        raise RequestError("--format", f"no format {format!r}", f"allowed: {', '.join(FORMATS)}")
    results, chosen = _read(store, suite, rule)
    return _csv(results) if format == "csv" else _text(store, results, summarise(store, results, chosen), format)


def publish(store: Store, suite: str | None, rule: str | None, folder: Path) -> list[Path]:
    """Everything that a paper needs, in a folder: `FILES`, `environment.json` of most runs, and `figures/`.

    Raises as `format_report` does. The paths, in order.
    """
    results, chosen = _read(store, suite, rule)
    report = summarise(store, results, chosen)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file, format in FILES.items():
        text = _csv(results) if format == "csv" else _text(store, results, report, format)
        written.append(folder / file)
        written[-1].write_text(text + "\n")
    written.append(folder / "environment.json")
    written[-1].write_text(next((text for _, text in results.environments), "{}") + "\n")
    return written + figures.write(results, report, folder / "figures")


def _read(store: Store, suite: str | None, rule: str | None) -> tuple[Results, str]:
    """A suite's results, measured in one way, and the rule to report them by."""
    results = read(store, suite or only_suite(store))
    chosen = check_rule(rule or results.manifest.select, list(results.manifest.metrics))
    require_one_fingerprint(results)
    return results, chosen


def _csv(results: Results) -> str:
    return tidy_table(results).to_csv(index=False).rstrip("\n")


def _text(store: Store, results: Results, report: Report, format: str) -> str:
    return html.draw(store, results, report) if format == "html" else _DRAW[format](report)


def only_suite(store: Store) -> str:
    """The one suite that ran here. Raises `RequestError` when there are none or several."""
    suites = store.suites()
    if len(suites) == 1:
        return suites[0]
    if not suites:
        raise RequestError(
            str(store.root), "no suite has run here", todo="run one first: ganbench run suites/NAME.yaml"
        )
    known = f"known: {', '.join(suites)}"
    raise RequestError(str(store.root), f"{len(suites)} suites ran here", known, "name one: ganbench report SUITE")
