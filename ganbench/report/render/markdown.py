"""Markdown that also reads well as it stands in a terminal: aligned columns, short lines of text."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

from ganbench.report.model import answers
from ganbench.report.model.notes import notes
from ganbench.report.render import layout
from ganbench.report.render.text import one_line, plural

if TYPE_CHECKING:
    from ganbench.report.model.tables import Report
    from ganbench.report.render.text import Grid


def draw(report: Report) -> str:
    """The whole report."""
    parts = [f"# {report.suite}", report.about, layout.counts(report)]
    if report.claims:
        sources = "\n".join(f"{place}. {one_line(text)}" for place, text in enumerate(answers.claim_sources(report), 1))
        parts += ["## Claims", table(answers.claims_grid(report)), answers.claims_grid(report).note, sources]
    for section in report.sections:
        constants = layout.constants(section)
        parts += [f"## {section.dataset}", *([f"Constant: {constants}."] if constants else [])]
        for grid in answers.section_grids(report, section):
            parts += [f"{grid.title[:1].upper()}{grid.title[1:]}:", table(grid), grid.note]
    compared = [*answers.tuning_grids(report), *answers.family_grids(report), *answers.factor_grids(report)]
    if compared:
        parts.append("## Comparisons")
    for grid in compared:
        parts += [f"{grid.title[:1].upper()}{grid.title[1:]}:", table(grid), grid.note]
    if report.excluded:
        parts += ["## Excluded", table(layout.excluded_grid(report))]
    if report.failures:
        parts += ["## Failures", *_failures(report)]
    parts += ["## Notes", "\n".join(f"- {one_line(note)}" for note in notes(report))]
    return "\n\n".join(part for part in parts if part)


def table(grid: Grid) -> str:
    """A pipe table with padded columns: names to the left, numbers to the right."""
    rows = [tuple(one_line(text).replace("|", "\\|") for text in row) for row in (grid.header, *_bold(grid))]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    left = [number < grid.names for number in range(len(widths))]
    rule = ["-" * width if is_left else "-" * (width - 1) + ":" for width, is_left in zip(widths, left, strict=True)]
    lines = [
        " | ".join(starmap(_pad, zip(row, widths, left, strict=True))) for row in (rows[0], tuple(rule), *rows[1:])
    ]
    return "\n".join(f"| {line} |" for line in lines)


def _bold(grid: Grid) -> list[tuple[str, ...]]:
    return [
        tuple(f"**{text}**" if (row, column) in grid.bold else text for column, text in enumerate(texts))
        for row, texts in enumerate(grid.rows)
    ]


def _pad(text: str, width: int, left: bool) -> str:
    return text.ljust(width) if left else text.rjust(width)


def _failures(report: Report) -> list[str]:
    parts = []
    for failure in report.failures:
        first, others = failure.runs[0], len(failure.runs) - 1
        more = f" and {plural(others, 'more run')}" if others else ""
        parts.append(f"`{first}`{more}: {one_line(failure.error) or 'no error was recorded'}")
        if failure.log:
            parts.append("\n".join(["```", *(line.replace("```", "'''") for line in failure.log), "```"]))
    return parts
