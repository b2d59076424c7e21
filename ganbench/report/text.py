"""Numbers and intervals as text, the same in every format that people read."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING

from ganbench.results.questions import RATES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ganbench.stats import Interval

ABSENT = "–"
ARROWS = {"lower": "↓", "higher": "↑"}


def number(value: float) -> str:
    """At most four significant digits, without zeros at the end: `0.15`, `3`, `1.82`."""
    text, _, power = _fixed(value, abs(value), 4).partition("e")
    trimmed = text.rstrip("0").removesuffix(".") if "." in text else text
    return f"{trimmed}e{power}" if power else trimmed


def beside(value: float, interval: Interval | None) -> str:
    """A number with the decimals of an interval that stands beside it; as `number` if there is none."""
    width = _width(interval)
    return _fixed(value, width, 2) if width else number(value)


def p_text(p: float | None) -> str:
    """Three decimals."""
    return ABSENT if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def interval_text(interval: Interval | None) -> str:
    """`12.3 [11.0, 13.9]`: two digits of the interval's width; the mean alone if there is no interval."""
    if interval is None:
        return ABSENT
    if interval.low is None or interval.high is None:
        return number(interval.mean)
    mean, low, high = (beside(value, interval) for value in (interval.mean, interval.low, interval.high))
    return f"{mean} [{low}, {high}]"


def rate_text(rate: Interval) -> str:
    """`8/10 [0.49, 0.94]`: the number of runs, out of all, and the interval of the share."""
    return f"{round(rate.mean * rate.n)}/{rate.n} [{rate.low:.2f}, {rate.high:.2f}]"


def one_line(text: str) -> str:
    """Text with all white space as single spaces."""
    return " ".join(text.split())


def plural(count: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def too_few(count: int, noun: str) -> str:
    """`5 pairs are too few: no result could have been significant`."""
    return f"{plural(count, noun)} {'is' if count == 1 else 'are'} too few: no result could have been significant"


def detectable_text(metric: str, difference: str) -> str:
    """What the runs could have shown; see `detectable` in `ganbench.report.analysis.pairs`."""
    if metric in RATES:
        return f"smallest difference that could have been significant: {difference}"
    return f"difference detectable with 80 % power: {difference}"


def also_different(columns: Iterable[str]) -> str:
    """The columns besides the axis in which two sides differ."""
    return f"also different: {', '.join(columns)}"


def _width(interval: Interval | None) -> float:
    """The width of an interval; 0 without one, or where its ends are not finite."""
    if interval is None or interval.low is None or interval.high is None:
        return 0.0
    width = interval.high - interval.low
    return width if isfinite(width) else 0.0


def _fixed(value: float, size: float, digits: int) -> str:
    """A number with as many decimals as `size` needs to show that many digits."""
    if not isfinite(value):
        return str(value)
    if size == 0:
        return "0"
    places = digits - 1 - floor(log10(size))
    if abs(value) >= 1e6 or places > 7:
        return f"{value:.3e}"
    return f"{value:z.{max(0, places)}f}"
