"""Frames as Markdown, for notebooks and logs."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from pandas import NA
from pandas.api.types import is_numeric_dtype

from ganbench.report.model.document import Column, Table
from ganbench.report.render import markdown
from ganbench.report.text import ABSENT, number

if TYPE_CHECKING:
    import pandas as pd


def frame_table(frame: pd.DataFrame) -> str:
    """A frame as a pipe table: numbers with the report's digits to the right, a dash for what is missing."""
    columns = tuple(
        Column(str(name), "numbers" if is_numeric_dtype(frame[name]) else "names") for name in frame.columns
    )
    rows = tuple(tuple(map(_text, row)) for row in frame.itertuples(index=False))
    return markdown.table(Table(title="", label="", columns=columns, rows=rows))


def _text(value: object) -> str:
    if isinstance(value, float):
        return ABSENT if isnan(value) else number(value)
    return ABSENT if value is None or value is NA else str(value)
