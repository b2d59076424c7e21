"""`ganbench report`: a suite's results, or two results side by side, in one of several formats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ganbench.errors import RequestError
from ganbench.report.analysis.frames import run_table
from ganbench.report.analysis.study import Study, read_study
from ganbench.report.model.sections import IN_TEXT, document
from ganbench.report.model.sections.differences import as_json, differences
from ganbench.report.model.sections.reading import reading
from ganbench.report.model.selection import Selection
from ganbench.report.render import figures, html, latex, markdown
from ganbench.results.table import term_table, tidy_table
from ganbench.text import json_answer, printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from ganbench.report.analysis.replication import Replication
    from ganbench.report.analysis.versus import Versus
    from ganbench.report.model.document import Document
    from ganbench.results.store import Store

_DRAW: dict[str, Callable[[Document], str]] = {"markdown": markdown.draw, "latex": latex.draw, "html": html.draw}
_TABLES: dict[str, Callable[[Study], pd.DataFrame]] = {
    "csv": lambda study: tidy_table(study.results),
    "runs": run_table,
    "terms": lambda study: term_table(study.store, study.results.suite),
}
FORMATS = ("markdown", "csv", "runs", "terms", "latex", "html", "json")
WHOLE = Selection()
COMPARISON_FORMATS = ("markdown", "json")
FILES = {
    "report.md": "markdown",
    "tidy.csv": "csv",
    "runs.csv": "runs",
    "tables.tex": "latex",
    "report.html": "html",
    "report.json": "json",
}


def format_report(store: Store, suite: str | None, format: str, rule: str | None) -> str:
    """A suite's report as text, without a newline at its end.

    `suite` may be None if only one ran; `rule` None is the suite's own `select`. Raises `RequestError` for an unknown
    suite, format or rule, and for a column with two fingerprints.
    """
    return format_study(read_study(store, suite or only_suite(store), rule), format)


def format_study(study: Study, format: str, selection: Selection = WHOLE, width: int | None = None) -> str:
    """The report of a study as text, without a newline at its end.

    `selection`: the tables of a part, or a single one, in markdown, LaTeX or HTML. `width`: of the terminal that shows
    markdown, in characters; None draws the tables as wide as they are. Raises `RequestError` for an unknown format or
    table.
    """
    if format not in FORMATS:
        raise RequestError("--format", f"no format {format!r}", f"allowed: {', '.join(FORMATS)}")
    if selection != WHOLE and format not in _DRAW:
        allowed = f"allowed: {', '.join(_DRAW)}"
        raise RequestError("--only, --table", f"{format} has every number", allowed, "choose another --format")
    if format in _TABLES:
        return _csv(_TABLES[format](study))
    if format == "json":
        body = asdict(study.report) | _replicated(study.replication) | {"notes": reading(study.report)}
        return json_answer(body, indent=1)
    shown = selection.of(document(study) if format == "html" else document(study, IN_TEXT))
    if format == "markdown" and width is not None:
        return printable(markdown.draw(shown, width))
    return printable(_DRAW[format](shown))


def publish(study: Study, folder: Path) -> list[Path]:
    """Write what a paper needs into a folder: `FILES`, `figures/` and `environment.json`, the commonest environment.

    With a replication its tidy table is `tidy-replication.csv`. Returns the paths, in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {file: format_study(study, format) for file, format in FILES.items()}
    if study.replication:
        texts["tidy-replication.csv"] = _csv(tidy_table(study.replication.results))
    texts["environment.json"] = next((text for _, text in study.results.environments), "{}")
    for file, text in texts.items():
        (folder / file).write_text(text + "\n", encoding="utf-8")
    return [*(folder / file for file in texts), *figures.write(document(study), folder / "figures")]


def format_comparison(versus: Versus, format: str) -> str:
    """Two results side by side as markdown or JSON, without a newline at its end."""
    if format not in COMPARISON_FORMATS:
        raise RequestError(
            "--format", f"a comparison has no format {format!r}", f"allowed: {', '.join(COMPARISON_FORMATS)}"
        )
    if format == "json":
        return json_answer(as_json(versus), indent=1)
    return markdown.draw(differences(versus))


def format_comparisons(found: Mapping[str, Versus], format: str) -> str:
    """The comparisons of several suites, by name: one after another, or as JSON under `comparisons`."""
    texts = {suite: format_comparison(versus, format) for suite, versus in found.items()}
    if len(texts) == 1 or format != "json":
        return "\n\n".join(texts.values())
    return json_answer({"comparisons": {suite: json.loads(text) for suite, text in texts.items()}}, indent=1)


def only_suite(store: Store) -> str:
    """The name of the only suite that ran here. Raises `RequestError` if none or several ran."""
    suites = store.suites()
    if len(suites) == 1:
        return suites[0]
    if not suites:
        raise RequestError(
            str(store.root), "no suite has run here", todo="run one first: ganbench run suites/NAME.yaml"
        )
    known = f"known: {', '.join(suites)}"
    raise RequestError(str(store.root), f"{len(suites)} suites ran here", known, "name one: ganbench report SUITE")


def _csv(table: pd.DataFrame) -> str:
    return printable(table.to_csv(index=False).rstrip("\n"))


def _replicated(found: Replication | None) -> dict[str, Any]:
    """The verdicts on other seeds, as an entry of the report in JSON."""
    if found is None:
        return {}
    return {"replication": {"seeds": found.seeds, "claims": [asdict(verdict) for verdict in found.verdicts]}}
