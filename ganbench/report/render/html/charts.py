"""Charts as SVG text. Colours and strokes are classes of the page's style sheet, so dark mode applies to them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

from ganbench.report.text import interval_text, number, plural

if TYPE_CHECKING:
    from ganbench.report.analysis.cells import Dot
    from ganbench.stats import Interval

WIDTH = 720  # of ranks and profiles, in pixels
STRIP, ROW, FOOT, EDGE = 480, 24, 18, 12  # of a strip chart
CLOSE, STEP, STACK = 3, 5, 16  # pixels: closer dots are stacked; the step of a stack, and the maximum height of a stack
LEFT, BOTTOM, TOP = 46, 20, 8  # the margins of a chart with axes
DASHES = ("none", "7 3", "2 3", "9 3 2 3", "14 4", "1 5")
SMALLEST = 1e-290  # a range below it is drawn as a single value: float64 can't divide it into ticks
WIDE = 50.0  # a positive range with a larger ratio is drawn on a logarithmic scale


@dataclass(frozen=True)
class StripRow:
    """A cell of the grid: its dots, and the interval of its mean."""

    name: str
    dots: tuple[Dot, ...]
    interval: Interval | None


@dataclass(frozen=True)
class Strip:
    """A chart for each cell, all on one scale, and the numbers of the scale, which are shown below."""

    rows: tuple[str, ...]
    foot: str


@dataclass(frozen=True)
class Axis:
    """A scale from numbers to pixels, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def __call__(self, value: float) -> float:
        slope, start = self._line
        return start + slope * (self._bent(value) if self.log else value)

    def ticks(self, count: int) -> list[float]:
        """Round numbers on the axis, about `count` of them."""
        if self.log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            powers = [10.0**power for power in range(first, last + 1)]
            return powers[:: max(1, len(powers) // count)] if len(powers) > 1 else [self.low, self.high]
        rough = (self.high - self.low) / count
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]

    @cached_property
    def _line(self) -> tuple[float, float]:
        """The slope and the start of the scale, linear in what `_bent` returns."""
        low = self._bent(self.low)
        slope = (self.end - self.start) / (self._bent(self.high) - low)
        return slope, self.start - slope * low

    def _bent(self, value: float) -> float:
        return math.log10(max(value, self.low)) if self.log else value


def axis(values: Iterable[float], start: float, end: float) -> Axis | None:
    """An axis for these numbers with some room at both ends; None without a number."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    if low > 0 and high / low > WIDE:
        return Axis(low / 1.2, high * 1.2, start, end, log=True)
    room = (high - low) * 0.06 or abs(high) * 0.1
    room = room if room > SMALLEST else 1.0
    return Axis(low - room, high + room, start, end, log=False)


def strip(rows: Sequence[StripRow], metric: str) -> Strip | None:
    """A row for each cell with every seed as a dot, the mean and its interval; None if no cell has a number."""
    ends = [end for row in rows if row.interval for end in (row.interval.low, row.interval.high) if end is not None]
    scale = axis([*(dot.value for row in rows for dot in row.dots), *ends], EDGE, STRIP - EDGE)
    if scale is None:
        return None
    ticks = [
        f'<text class="tick" x="{scale(tick):.1f}" y="13" text-anchor="middle">{short(tick)}</text>'
        for tick in scale.ticks(6)
    ]
    rules = "".join(f"M{px(scale(tick))} 0v{ROW}" for tick in scale.ticks(6))
    rule = f'<path class="rule" d="{rules}"/>'
    drawn = tuple(_strip_row(row, scale, metric, rule) for row in rows)
    return Strip(drawn, svg((STRIP, FOOT), ticks, f"the scale of {metric}"))


def stacked(places: Sequence[float], close: float, step: float, most: float) -> list[float]:
    """The shift of each place across its row: places closer than `close` are stacked in steps around the middle.

    The steps are smaller if a stack would be higher than `most`.
    """
    shifts, stack = [0.0] * len(places), list[int]()
    order = sorted(range(len(places)), key=places.__getitem__)
    for rank, at in enumerate(order, start=1):
        stack.append(at)
        if rank == len(order) or places[order[rank]] - places[stack[0]] >= close:
            apart = min(step, most / max(1, len(stack) - 1))
            for level, index in enumerate(stack):
                shifts[index] = (level - (len(stack) - 1) / 2) * apart
            stack = []
    return shifts


def _strip_row(row: StripRow, scale: Axis, metric: str, rule: str) -> str:
    middle, mean = ROW / 2, row.interval
    parts = [rule]
    if mean is not None and mean.low is not None and mean.high is not None:
        ends = f'x1="{scale(mean.low):.1f}" y1="{middle:g}" x2="{scale(mean.high):.1f}" y2="{middle:g}"'
        parts.append(f'<line class="interval" {ends}/>')
    places = [scale(dot.value) for dot in row.dots]
    for dot, x, shift in zip(row.dots, places, stacked(places, CLOSE, STEP, STACK), strict=True):
        title = f"<title>seed {dot.seed}: {number(dot.value)}</title>"
        height = f' cy="{px(middle + shift)}"' if shift else ""  # else that of the style sheet
        circle = f'<circle cx="{px(x)}"{height}>{title}</circle>'
        parts.append(f'<a href="#{escape(dot.run_id)}" tabindex="-1">{circle}</a>')
    if mean is not None:
        x = scale(mean.mean)
        parts.append(f'<line class="mean" x1="{x:.1f}" y1="3" x2="{x:.1f}" y2="{ROW - 3}"/>')
    shown = f", mean {interval_text(mean)}" if mean is not None else ""
    return svg((STRIP, ROW), parts, f"{row.name}: {metric} of {plural(len(row.dots), 'seed')}{shown}")


def px(place: float) -> str:
    """A place or a length to a tenth of a pixel, in few characters: `12`, `.5`, `-3.1`."""
    text = f"{place:.1f}".removesuffix(".0")
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else "0" if text == "-0" else text


def svg(size: tuple[float, float], parts: Iterable[str], label: str) -> str:
    """`label`: the chart in words, for readers who cannot see it."""
    width, height = size
    head = f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}"'
    return f"<svg {head}>{''.join(parts)}</svg>"


def _clipped(text: str, length: int) -> str:
    short = text if len(text) <= length else text[: length - 1] + "…"
    return f"{escape(short)}<title>{escape(text)}</title>"


def short(value: float) -> str:
    return f"{value:.0e}" if value and not 1e-3 <= abs(value) < 1e5 else f"{value:g}"


def critical_difference(names: Sequence[str], ranks: Sequence[float], cliques: Sequence[Sequence[int]]) -> str:
    """Mean ranks on a line, the best on the left; a bar joins names that don't differ. `cliques`: indices."""
    scale = Axis(1, max(2, len(names)), 40, WIDTH - 40, log=False)
    order = sorted(range(len(names)), key=lambda at: ranks[at])
    joined = [clique for clique in cliques if len(clique) > 1]
    top = 34 + 8 * len(joined)
    parts = [f'<line class="axis" x1="{scale(scale.low):.1f}" y1="24" x2="{scale(scale.high):.1f}" y2="24"/>']
    for tick in range(1, max(2, len(names)) + 1):
        parts.append(f'<text class="tick" x="{scale(tick):.1f}" y="14" text-anchor="middle">{tick}</text>')
    for row, clique in enumerate(joined):
        ends = [scale(ranks[at]) for at in clique]
        y = 32 + 8 * row
        parts.append(f'<line class="clique" x1="{min(ends) - 4:.1f}" y1="{y}" x2="{max(ends) + 4:.1f}" y2="{y}"/>')
    for row, at in enumerate(order):
        x, y = scale(ranks[at]), top + 18 * (row + 1)
        left = ranks[at] > (scale.low + scale.high) / 2
        parts.append(f'<polyline class="seed" points="{x:.1f},24 {x:.1f},{y - 4}"/>')
        anchor = f'x="{x + (-6 if left else 6):.1f}" y="{y}" text-anchor="{"end" if left else "start"}"'
        parts.append(f'<text class="name" {anchor}>{_clipped(names[at], 60)} {ranks[at]:.2f}</text>')
    label = "mean ranks: " + ", ".join(f"{names[at]} {ranks[at]:.2f}" for at in order)
    return svg((WIDTH, top + 18 * len(names) + 10), parts, label)


def profiles(names: Sequence[str], taus: Sequence[float], shares: Sequence[Sequence[float]], metric: str) -> str:
    """A line for each name: the share of runs that reach each of `taus`. The names and dashes are on the right."""
    height, right, middle = 240, WIDTH - 260, (LEFT + WIDTH - 260) / 2
    x, y = Axis(0, 1, LEFT, right, log=False), Axis(0, 1, height - 2 * BOTTOM, TOP, log=False)
    upright = f'transform="translate(12 {y(0.5):g}) rotate(-90)" text-anchor="middle"'
    across = f"{metric} within its setting: 0 the worst run, 1 the best"
    parts = [
        f'<text class="tick" x="{middle:g}" y="{height - 4}" text-anchor="middle">{escape(across)}</text>',
        f'<text class="tick" {upright}>share of runs</text>',
    ]
    for tick in (0, 0.5, 1):
        parts.append(f'<line class="rule" x1="{LEFT}" y1="{y(tick):.1f}" x2="{right}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 5}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
        parts.append(f'<text class="tick" x="{x(tick):.1f}" y="{height - 22}" text-anchor="middle">{tick:g}</text>')
    for place, (name, reached) in enumerate(zip(names, shares, strict=True)):
        points = " ".join(f"{x(tau):.1f},{y(share):.1f}" for tau, share in zip(taus, reached, strict=True))
        dashes = f'stroke-dasharray="{DASHES[place % len(DASHES)]}"'
        line = TOP + 10 + 18 * place
        parts.append(f'<polyline class="curve" {dashes} points="{points}"><title>{escape(name)}</title></polyline>')
        parts.append(f'<line class="curve" {dashes} x1="{right + 12}" y1="{line}" x2="{right + 44}" y2="{line}"/>')
        parts.append(f'<text class="name" x="{right + 50}" y="{line + 4}">{_clipped(name, 34)}</text>')
    label = f"performance profiles of {', '.join(names)} by {metric}: the share of runs that reach a score"
    return svg((WIDTH, max(height, TOP + 18 * len(names) + 10)), parts, label)
