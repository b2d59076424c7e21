"""Tables of the page: their columns in the page's order, and their rows as HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from ganbench.report.text import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganbench.report.model.document import Column, Shade, Table

LONG = 40  # characters from which a text gets a wider column
_PLACES = ("first", "in place", "below", "nowhere")


def shown(table: Table) -> Table:
    """A table as the page shows it, with columns in the page's order or among the details below a row's name."""
    places = {where: [at for at, column in enumerate(table.columns) if column.page == where] for where in _PLACES}
    order = [*places["first"], *places["in place"]]
    new_place = {at: place for place, at in enumerate(order)}
    details = table.details or ((),) * len(table.rows)
    below = [tuple(_below(table, row, places["below"])) for row in table.rows]
    return replace(
        table,
        columns=tuple(table.columns[at] for at in order),
        rows=tuple(tuple(row[at] for at in order) for row in table.rows),
        bold=frozenset((row, new_place[column]) for row, column in table.bold if column in new_place),
        shades={(row, new_place[at]): shade for (row, at), shade in table.shades.items() if at in new_place},
        details=tuple((*lines, *more) for lines, more in zip(details, below, strict=True)),
    )


def rows(table: Table) -> Iterator[Markup]:
    """The rows of a `shown` table. HTML ends a cell and a row where the next one begins, so they have no end tags.

    A table of `plain_names` says itself which of its columns hold numbers, and its cells do not.
    """
    answers, plain = is_answers(table), plain_names(table) is not None
    labels = [f' data-name="{escape(column.name)}"' if answers else "" for column in table.columns]  # on narrow screens
    kinds = [_Kind(column, label, answers, plain) for column, label in zip(table.columns, labels, strict=True)]
    details = 1 if answers else 0
    for at, row in enumerate(table.rows):
        anchor = escape(table.anchors[at]) if table.anchors else ""
        drawn = [f'<tr id="{anchor}">' if anchor else "<tr>"]
        for place, (kind, text) in enumerate(zip(kinds, row, strict=True)):
            shade, bold = table.shades.get((at, place)), (at, place) in table.bold
            drawn.append(_shaded_cell(kind, text, shade, bold) if shade or bold else _cell(kind, text))
            if place == 0 and anchor and table.linked:
                drawn.append(f'<a class="here" href="#{anchor}" aria-label="link to this"></a>')
            if place == details:
                drawn += [f"<small>{soft(line)}</small>" for line in table.details[at]]
        yield Markup("".join(drawn))


def plain_names(table: Table) -> int | None:
    """How many columns hold names, if all of them stand before the numbers; None for claims and other orders."""
    holds = [column.holds for column in table.columns]
    names = holds.count("names")
    return names if "numbers" not in holds[:names] and not is_answers(table) else None


def is_answers(table: Table) -> bool:
    """Whether its rows are claims, whose answers come first."""
    return table.columns[0].page == "first"


def soft(text: str) -> Markup:
    """Text that may break after the commas of a notation, where no space follows."""
    return Markup(",<wbr>").join(re.split(r",(?! )", text)) if "," in text else escape(text)


def breakable_name(name: str) -> Markup:
    """The name of a column, which may break after `_` where the column is narrower."""
    return Markup("_<wbr>").join(name.split("_"))


def whole(text: str) -> str:
    """Text in which numbers stay on one line with their intervals."""
    return re.sub(r" (?=\[)|(?<=,) (?=[^\[]*\])|(?<=<) ", "\N{NO-BREAK SPACE}", text) if " " in text else text


def _below(table: Table, row: tuple[str, ...], places: list[int]) -> Iterator[str]:
    columns: tuple[Column, ...] = table.columns
    return (f"{columns[at].name}: {row[at]}" for at in places if row[at] != ABSENT)


@dataclass(frozen=True)
class _Kind:
    """What the cells of a column have in common. `label`: an attribute with the column's name."""

    column: Column
    label: str
    answers: bool
    plain: bool


@lru_cache(maxsize=10_000)  # the cells of a large table have few different texts
def _cell(kind: _Kind, text: str) -> str:
    return _shaded_cell(kind, text, None, False)


def _shaded_cell(kind: _Kind, text: str, shade: Shade | None, bold: bool) -> str:
    content = soft(text) if kind.column.holds == "names" else escape(whole(text))
    content = Markup(f"<b>{content}</b>") if bold else content
    return f"<td{kind.label}{_class(_look(kind, text), shade)}{_shade(shade)}>{content}"


def _look(kind: _Kind, text: str) -> str:
    if kind.column.page == "first":
        return f"verdict {text.lower().split(maxsplit=1)[0]}"  # without the surrogate
    long = len(text) > LONG and not kind.answers
    is_number = kind.column.holds == "numbers" and (long or not kind.plain)
    return f"{'number' if is_number else ''}{' long' if long else ''}"


def _class(look: str, shade: Shade | None) -> str:
    classes = f"{look} shaded" if shade else look
    return f' class="{escape(classes.strip())}"' if classes else ""


def _shade(shade: Shade | None) -> str:
    """What sorts and colours a cell with a number."""
    if shade is None:
        return ""
    share = "" if shade.share is None else f' style="--shade: {shade.share:.2f}"'
    return f' data-order="{shade.order}"{share}'
