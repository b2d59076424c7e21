"""Numbers and intervals as text, and tables of text: the same for every format that is read by people."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganbench.stats import Interval

ABSENT = "–"
ARROWS = {"lower": "↓", "higher": "↑"}


@dataclass(frozen=True)
class Grid:
    """A table as text. The first `names` columns hold names, the others numbers; `note` stands under it."""

    title: str
    label: str  # for references: letters, digits and dashes
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int
    note: str = ""
    bold: frozenset[tuple[int, int]] = frozenset()  # (row, column), where a difference is significant


def number(value: float) -> str:
    """Four significant digits."""
    return _fixed(value, abs(value), 4)


def p_text(p: float | None) -> str:
    """Three decimals."""
    return ABSENT if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def interval_text(interval: Interval) -> str:
    """`12.3 [11.0, 13.9]`: two digits of the interval's width; or the mean alone where there is no interval."""
    if interval.low is None or interval.high is None:
        return number(interval.mean)
    width, digits = interval.high - interval.low, 2
    if width == 0:
        width, digits = abs(interval.mean), 4
    mean, low, high = (_fixed(value, width, digits) for value in (interval.mean, interval.low, interval.high))
    return f"{mean} [{low}, {high}]"


def one_line(text: str) -> str:
    """Text with every run of white space as one space."""
    return " ".join(text.split())


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _fixed(value: float, size: float, digits: int) -> str:
    """A number with as many decimals as `size` needs to show that many digits."""
    if size == 0:
        return "0"
    places = digits - 1 - floor(log10(size))
    if abs(value) >= 1e6 or places > 7:
        return f"{value:.3e}"
    return f"{value:.{max(0, places)}f}"
