"""How a table is turned, broken into lines and cut into parts until it fits on a page in a font that can be read.

Widths are counted in characters of `\\footnotesize`, 8 pt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ganbench.report.model.document import Column, Table

GAP, BOLD = 1.5, 1.15  # between two columns; how much wider bold figures are
SENTENCE, NOTE = 24, 12  # the least width of a longer text that is broken into lines: in the first column, in others
NAME_BREAKS = r"(?<=[,\[=_])| "  # where a notation or a text can be broken
NUMBER_BREAKS = r"(?<=_)|(?<!<) (?![^\[]*\])"  # where a number can: before its interval; its header after `_`


@dataclass(frozen=True)
class Page:
    """The room for a table: characters in a line, and lines of rows below the caption."""

    line: float
    lines: int
    environment: str


UPRIGHT = Page(78.0, 48, "table")  # 345 pt by 550 pt, the text of LaTeX's `article`
TURNED = Page(UPRIGHT.line * 550 / 345, 28, "sidewaystable")


@dataclass(frozen=True)
class TablePart:
    """Rows and columns of a table by their places. `shares`: of the line, for columns that are broken into lines."""

    page: Page
    columns: tuple[int, ...]
    rows: tuple[int, ...]
    shares: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Width:
    """What a column takes if no text is broken, and at least."""

    whole: int
    least: int


def parts(table: Table) -> list[TablePart]:
    """The table in as few parts as possible, upright rather than turned.

    Each part has the columns that tell the rows apart, and others in their order.
    """
    keys = _keys(table)
    sizes = [_width(table, at) for at in range(len(table.columns))]
    layouts = [
        [
            TablePart(page, columns, rows, {at: width / page.line for at, width in widths.items()})
            for columns in _columns(sizes, keys, page)
            for widths in (_broken(sizes, columns, page),)
            for rows in _rows(table, widths, page)
        ]
        for page in (UPRIGHT, TURNED)
    ]
    return min(layouts, key=len)


def _keys(table: Table) -> int:
    """How many of the first columns tell the rows apart; those with names if they do not."""
    names = next((at for at, column in enumerate(table.columns) if column.holds != "names"), len(table.columns))
    known = (count for count in range(1, names) if len({row[:count] for row in table.rows}) == len(table.rows) > 1)
    return next(known, names)


def pieces(column: Column, text: str) -> list[str]:
    """What of a text stays on one line."""
    return re.split(NAME_BREAKS if column.holds == "names" else NUMBER_BREAKS, text)


def has_words(texts: Iterable[str]) -> bool:
    return any(re.search("[a-z]{3} ", text) for text in texts)


def _width(table: Table, at: int) -> _Width:
    column, texts = table.columns[at], [table.columns[at].name, *(row[at] for row in table.rows)]
    bold = {place + 1 for place, where in table.bold if where == at}
    whole = max(_size(text, place in bold) for place, text in enumerate(texts))
    longest = max(_size(piece, place in bold) for place, text in enumerate(texts) for piece in pieces(column, text))
    text = (SENTENCE if at == 0 else NOTE) if has_words(texts) else 0
    return _Width(whole, min(whole, max(longest, text)))


def _size(text: str, bold: bool) -> int:
    """The width of a text, in which capitals and bold figures take more."""
    return ceil((len(text) + 0.4 * sum(map(str.isupper, text))) * (BOLD if bold else 1))


def _columns(sizes: Sequence[_Width], keys: int, page: Page) -> Iterator[tuple[int, ...]]:
    """The columns of each part."""
    first = chosen = tuple(range(keys))
    for at in range(keys, len(sizes)):
        if chosen != first and sum(sizes[column].least + GAP for column in (*chosen, at)) > page.line:
            yield chosen
            chosen = first
        chosen = (*chosen, at)
    yield chosen


def _broken(sizes: Sequence[_Width], columns: Sequence[int], page: Page) -> dict[int, float]:
    """The widths of the columns that must be broken: the others stay whole, and these share what is left equally."""
    flexible = sorted(columns, key=lambda at: sizes[at].whole - sizes[at].least)
    left = page.line - GAP * len(columns) - sum(sizes[at].least for at in columns)
    widths = {}
    for done, at in enumerate(flexible):
        more = max(0.0, min(left / (len(flexible) - done), sizes[at].whole - sizes[at].least))
        left -= more
        if sizes[at].least + more < sizes[at].whole:
            widths[at] = sizes[at].least + more
    return widths


def _rows(table: Table, widths: Mapping[int, float], page: Page) -> Iterator[tuple[int, ...]]:
    """The rows of each part with columns of these widths."""
    rows: tuple[int, ...] = ()
    taken = 0
    for place, row in enumerate(table.rows):
        lines = max((ceil(1.1 * len(row[at]) / width) for at, width in widths.items()), default=1)
        if rows and taken + lines > page.lines:
            yield rows
            rows, taken = (), 0
        rows, taken = (*rows, place), taken + lines
    yield rows
