"""`ganbench report`: a suite's results, or two results side by side, in one of several formats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

from ganbench.errors import RequestError
from ganbench.report.analysis.study import Study, read_study
from ganbench.report.model.sections import document
from ganbench.report.model.sections.differences import as_json, differences
from ganbench.report.model.sections.reading import reading
from ganbench.report.render import figures, html, latex, markdown
from ganbench.results.table import tidy_table
from ganbench.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ganbench.report.analysis.versus import Versus
    from ganbench.report.model.document import Document
    from ganbench.results.store import Store

    NoteDamage = Callable[[list[str]], None]

_DRAW: dict[str, Callable[[Document], str]] = {"markdown": markdown.draw, "latex": latex.draw, "html": html.draw}
FORMATS = ("markdown", "csv", "latex", "html", "json")
COMPARISON_FORMATS = ("markdown", "json")
FILES = {
    "report.md": "markdown",
    "tidy.csv": "csv",
    "tables.tex": "latex",
    "report.html": "html",
    "report.json": "json",
}


def format_report(
    store: Store, suite: str | None, format: str, rule: str | None, note_damage: NoteDamage = lambda _: None
) -> str:
    """A suite's report as text, without a newline at its end.

    `suite` may be None if only one ran; `rule` None is the suite's own `select`. `note_damage` is called with a
    sentence for each damaged run. Raises `RequestError` for an unknown suite, format or rule, and for a column with two
    fingerprints.
    """
    if format not in FORMATS:
        raise RequestError("--format", f"no format {format!r}", f"allowed: {', '.join(FORMATS)}")
    study = read_study(store, suite or only_suite(store), rule)
    note_damage(study.results.damage)
    return _text(study, format)


def publish(
    store: Store, suite: str | None, rule: str | None, folder: Path, note_damage: NoteDamage = lambda _: None
) -> list[Path]:
    """Write what a paper needs into a folder: `FILES`, `figures/` and `environment.json`, the commonest environment.

    Returns the paths, in order. Raises as `format_report` does.
    """
    study = read_study(store, suite or only_suite(store), rule)
    note_damage(study.results.damage)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file, format in FILES.items():
        written.append(folder / file)
        written[-1].write_text(_text(study, format) + "\n", encoding="utf-8")
    written.append(folder / "environment.json")
    environment = next((text for _, text in study.results.environments), "{}")
    written[-1].write_text(environment + "\n", encoding="utf-8")
    return written + figures.write(document(study), folder / "figures")


def format_comparison(versus: Versus, format: str) -> str:
    """Two results side by side as markdown or JSON, without a newline at its end."""
    if format not in COMPARISON_FORMATS:
        raise RequestError(
            "--format", f"a comparison has no format {format!r}", f"allowed: {', '.join(COMPARISON_FORMATS)}"
        )
    if format == "json":
        return _json(as_json(versus))
    return markdown.draw(differences(versus))


def format_comparisons(found: Mapping[str, Versus], format: str) -> str:
    """The comparisons of several suites, by name: one after another, or as JSON under `comparisons`."""
    texts = {suite: format_comparison(versus, format) for suite, versus in found.items()}
    if len(texts) == 1 or format != "json":
        return "\n\n".join(texts.values())
    return json.dumps({"comparisons": {suite: json.loads(text) for suite, text in texts.items()}}, indent=1)


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


def _text(study: Study, format: str) -> str:
    if format == "csv":
        return printable(tidy_table(study.results).to_csv(index=False).rstrip("\n"))
    if format == "json":
        body = asdict(study.report) | {"notes": reading(study.report)}
        return _json(body)
    return printable(_DRAW[format](document(study)))


def _json(body: Any) -> str:
    """JSON, which has no infinity and no NaN: such a number is null."""
    return json.dumps(_finite(body), indent=1, allow_nan=False)


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if isfinite(value) else None
        case Mapping():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
