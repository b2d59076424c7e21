"""Tables as wide as a terminal: long names are wrapped, and columns that find no room follow in further blocks."""

from __future__ import annotations

import re
from math import sqrt
from textwrap import wrap
from typing import TYPE_CHECKING

from ganbench.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganbench.report.model.document import Table

GAP = "  "
WORD = 20  # characters of a word of a name that stays whole if the line has room
LEAST = (WORD, 12, 5)  # characters to which a name is wrapped, or fewer if its words are short; the first that fits
ENDS = "_=,;[/"  # a word that is wider than its column is cut behind one of these
TEXT = 30  # characters from which a number is a text, such as notes, and is wrapped
KEPT = 0.7  # the share of the line that the names may take when they are repeated beside further columns


def narrow(table: Table, width: int) -> str:
    """A table in lines of at most `width` characters. A star marks a number that markdown has in bold."""
    header = tuple(column.name for column in table.columns)
    starred = [
        tuple(one_line(text) + "*" * ((at, place) in table.bold) for place, text in enumerate(row))
        for at, row in enumerate(table.rows)
    ]
    rows = [header, *starred]
    names = [place for place, column in enumerate(table.columns) if column.holds == "names"]
    numbers = [place for place in range(len(header)) if place not in names]
    widths = [_width(rows, place, place in names) for place in range(len(header))]
    most = {place: _most(rows, place, width) for place in numbers}
    left = {*names, *(place for place in numbers if widths[place] > most[place])}
    for place in numbers:
        widths[place] = min(widths[place], most[place])
    if _total(widths, range(len(header))) > width:
        room = min(int(width * KEPT), width - len(GAP) - max((widths[place] for place in numbers), default=0))
        for least in LEAST:
            _shrink(widths, names, room, [min(least, _longest_word(rows, place)) for place in range(len(header))])
    return "\n\n".join(_block(rows, widths, places, left) for places in _split(widths, names, numbers, width))


def _width(rows: Sequence[tuple[str, ...]], place: int, is_name: bool) -> int:
    """The width of a column; the header of a column of numbers may have several lines."""
    header, *texts = (row[place] for row in rows)
    return max(len(header) if is_name else max(map(len, header.split()), default=0), *map(len, texts), 0)


def _most(rows: Sequence[tuple[str, ...]], place: int, width: int) -> int:
    """The width from which a number is a text: that of prose is less, so that the names have room."""
    is_prose = any(re.search("[a-z]{3} [a-z]", row[place]) for row in rows[1:])
    return max(LEAST[0], min(TEXT, width // 4)) if is_prose else min(TEXT, width // 2)


def _longest_word(rows: Sequence[tuple[str, ...]], place: int) -> int:
    return max((len(word) for row in rows for word in row[place].split()), default=0)


def _shrink(widths: list[int], places: Sequence[int], room: int, least: Sequence[int]) -> None:
    """Narrow these columns until they fit, each about as the root of its length, none below its least width."""
    lengths = list(widths)
    while _total(widths, places) > room:
        left = [place for place in places if widths[place] > least[place]]
        if not left:
            return
        widths[max(left, key=lambda place: widths[place] / sqrt(lengths[place]))] -= 1


def _split(widths: Sequence[int], names: list[int], numbers: list[int], width: int) -> list[list[int]]:
    """The columns of each block: all names, and as many numbers as fit."""
    blocks = [list(names)]
    for place in numbers:
        if len(blocks[-1]) > len(names) and _total(widths, [*blocks[-1], place]) > width:
            blocks.append(list(names))
        blocks[-1].append(place)
    return blocks


def _total(widths: Sequence[int], places: Sequence[int]) -> int:
    return sum(widths[place] for place in places) + len(GAP) * max(0, len(places) - 1)


def _block(rows: Sequence[tuple[str, ...]], widths: Sequence[int], places: list[int], left: set[int]) -> str:
    lines = [line for row in rows[:1] for line in _lines(row, widths, places, left)]
    lines.append(GAP.join("-" * widths[place] for place in places))
    lines += [line for row in rows[1:] for line in _lines(row, widths, places, left)]
    return "\n".join(lines)


def _lines(row: tuple[str, ...], widths: Sequence[int], places: list[int], left: set[int]) -> list[str]:
    """A row in as many lines as its longest cell needs."""
    wrapped = {place: wrap(_cut(row[place], widths[place]), widths[place]) or [""] for place in places}
    height = max(map(len, wrapped.values()))
    lines = []
    for at in range(height):
        texts = ((wrapped[place][at : at + 1] or [""])[0] for place in places)
        padded = (
            text.ljust(widths[place]) if place in left else text.rjust(widths[place])
            for place, text in zip(places, texts, strict=True)
        )
        lines.append(GAP.join(padded).rstrip())
    return lines


def _cut(text: str, width: int) -> str:
    """The text with a space in each word that is wider than a line, behind one of `ENDS` if possible."""
    words = []
    for word in text.split():
        while len(word) > width:
            end = max(word.rfind(mark, 0, width) for mark in ENDS) + 1 or width
            words.append(word[:end])
            word = word[end:]
        words.append(word)
    return " ".join(words)
