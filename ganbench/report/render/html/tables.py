"""Tables of the page: their columns in the page's order, and their cells as HTML."""

from __future__ import annotations

import re
from dataclasses import replace
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


def cells(table: Table) -> Iterator[list[Markup]]:
    """The `td` elements of each row of a `shown` table, without their end tags, which the template writes."""
    names = [escape(column.name) for column in table.columns]
    for at, row in enumerate(table.rows):
        drawn = []
        for place, (column, text) in enumerate(zip(table.columns, row, strict=True)):
            shade = table.shades.get((at, place))
            name = f' data-name="{names[place]}"' if is_answers(table) else ""  # the label on a narrow screen
            content = soft(text) if column.holds == "names" else escape(whole(text))
            content = Markup(f"<b>{content}</b>") if (at, place) in table.bold else content
            look = _class(_look(table, column, text), shade)
            drawn.append(Markup(f"<td{name}{look}{_shade(shade)}>{content}"))
        yield drawn


def is_answers(table: Table) -> bool:
    """Whether its rows are claims, whose answers come first."""
    return table.columns[0].page == "first"


def soft(text: str) -> Markup:
    """Text that may break after the commas of a notation, where no space follows."""
    return Markup(",<wbr>").join(re.split(r",(?! )", text)) if "," in text else escape(text)


def whole(text: str) -> str:
    """Text in which numbers stay on one line with their intervals."""
    return re.sub(r" (?=\[)|(?<=,) (?=[^\[]*\])|(?<=<) ", "\N{NO-BREAK SPACE}", text) if " " in text else text


def _below(table: Table, row: tuple[str, ...], places: list[int]) -> Iterator[str]:
    columns: tuple[Column, ...] = table.columns
    return (f"{columns[at].name}: {row[at]}" for at in places if row[at] != ABSENT)


def _look(table: Table, column: Column, text: str) -> str:
    if column.page == "first":
        return f"verdict {text.lower().split(maxsplit=1)[0]}"  # without the surrogate
    long = " long" if len(text) > LONG and not is_answers(table) else ""
    return ("number" if column.holds == "numbers" else "") + long


def _class(look: str, shade: Shade | None) -> str:
    classes = f"{look} shaded" if shade else look
    return f' class="{escape(classes.strip())}"' if classes else ""


def _shade(shade: Shade | None) -> str:
    """What sorts and colours a cell with a number."""
    if shade is None:
        return ""
    share = "" if shade.share is None else f' style="--shade: {shade.share:.2f}"'
    return f' data-order="{shade.order}"{share}'
