"""Markdown that is also readable in a terminal, with aligned columns."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

from ganbench.report.model.document import FailedRuns, Items, Paragraph, Table, Verbatim, flat, repeated_notes
from ganbench.report.render.terminal import narrow
from ganbench.report.text import one_line, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ganbench.report.model.document import Block, Document


def draw(document: Document, width: int | None = None) -> str:
    """The whole report, without a newline at its end. `width`: of the terminal that shows it, in characters."""
    repeated = repeated_notes(document)
    parts = [f"# {document.title}", document.about, document.counts]
    for section in document.sections:
        if section.audience != "page":
            parts += [f"## {section.title}" if section.title else ""]
            parts += [text for block in flat(section.blocks) for text in _texts(block, repeated, width)]
    return "\n\n".join(part for part in parts if part)


def table(block: Table) -> str:
    """A pipe table with padded columns, names to the left and numbers to the right."""
    header = tuple(column.name for column in block.columns)
    rows = [tuple(one_line(text).replace("|", "\\|") for text in row) for row in (header, *_bold(block))]
    widths = [max(3, *map(len, texts)) for texts in zip(*rows, strict=True)]
    left = [column.holds == "names" for column in block.columns]
    rule = ["-" * width if is_left else "-" * (width - 1) + ":" for width, is_left in zip(widths, left, strict=True)]
    lines = [
        " | ".join(starmap(_pad, zip(row, widths, left, strict=True))) for row in (rows[0], tuple(rule), *rows[1:])
    ]
    return "\n".join(f"| {line} |" for line in lines)


def _texts(block: Block, repeated: Collection[str], width: int | None) -> Iterator[str]:
    """The paragraphs of a block; none for charts and pictures. `repeated`: the tables that go without their note."""
    match block:
        case Paragraph(text=text, audience="all" | "paper"):
            yield text
        case Items(lines=lines, numbered=numbered, audience="all" | "paper"):
            marks = (f"{place}." if numbered else "-" for place in range(1, len(lines) + 1))
            yield "\n".join(f"{mark} {one_line(line)}" for mark, line in zip(marks, lines, strict=True))
        case Verbatim(text=text):
            yield _fenced(text)
        case FailedRuns():
            more = f" and {plural(block.others, 'more run')}" if block.others else ""
            yield f"`{block.first}`{more}: {one_line(block.error) or 'no error was recorded'}"
            if block.log:
                yield _fenced("\n".join(block.log))
        case Table():
            yield f"{block.title[:1].upper()}{block.title[1:]}:" if block.titled else ""
            yield table(block) if width is None else narrow(block, width)
            yield "" if block.label in repeated else block.note


def _fenced(text: str) -> str:
    return "\n".join(["```", text.replace("```", "'''"), "```"])


def _bold(block: Table) -> list[tuple[str, ...]]:
    return [
        tuple(f"**{text}**" if (row, column) in block.bold else text for column, text in enumerate(texts))
        for row, texts in enumerate(block.rows)
    ]


def _pad(text: str, width: int, left: bool) -> str:
    return text.ljust(width) if left else text.rjust(width)
