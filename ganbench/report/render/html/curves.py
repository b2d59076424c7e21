"""Curves as SVG text: by step, a frame for each setting with its variants overlaid, and searches by k.

The page of a large suite is mostly curves. A place on a curve is two whole numbers, relative to the one before it: the
steps in units that divide all of them, and tenths of a pixel. The transform of their group scales both to pixels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from html import escape
from math import gcd
from typing import TYPE_CHECKING

from ganbench.report.render.html.charts import BOTTOM, LEFT, TOP, Axis, axis, px, short, svg
from ganbench.report.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ganbench.report.analysis.cells import Curve
    from ganbench.report.model.document import Curves, Frame

WIDTH, HEIGHT = 320, 180  # of a frame
TENTHS = 10  # parts of a pixel


@dataclass(frozen=True)
class Plane:
    """The axes of a frame. `unit`: divides every step."""

    x: Axis
    y: Axis
    unit: int

    @property
    def transform(self) -> str:
        """From the numbers of a path to pixels."""
        return f'transform="matrix({self.x(self.unit) - self.x(0):.6g} 0 0 {1 / TENTHS} {self.x(0):.6g} 0)"'

    def path(self, points: Sequence[tuple[int, float]]) -> str:
        """The line through the points (step, value), after the first one relative to the one before it."""
        places = [(step // self.unit, round(TENTHS * self.y(value))) for step, value in points]
        start = f"M{places[0][0]} {places[0][1]}l" if places else ""
        steps = " ".join([f"{b[0] - a[0]} {b[1] - a[1]}" for a, b in itertools.pairwise(places)])
        return start + steps.replace(" -", "-")


def frames(block: Curves, scale: str) -> list[str]:
    """A chart for each frame, all on the same scales: of each series every seed, their mean, and their extremes.

    Empty for a frame without a number. `scale`: the id of the scales, which the first chart holds for all.
    """
    points = [point for curves in block.curves for curve in curves for point in curve.points]
    y = axis([value for _, value in points], HEIGHT - BOTTOM, TOP)
    if y is None:
        return [""] * len(block.frames)
    steps = {step for step, _ in points}
    plane = Plane(Axis(0, max(steps), LEFT, WIDTH - 6, log=False), y, max(1, gcd(*steps)))
    scales = itertools.chain(
        [f'<g id="{scale}">{"".join(_scales(plane.x, y))}</g>'], itertools.repeat(f'<use href="#{scale}"/>')
    )
    known = [any(block.curves[one.cell] for one in frame.series) for frame in block.frames]
    pairs = zip(block.frames, known, strict=True)
    return [_frame(block, frame, plane, next(scales)) if has_any else "" for frame, has_any in pairs]


def _frame(block: Curves, frame: Frame, plane: Plane, scales: str) -> str:
    parts, labels = [scales], []
    for series in frame.series:
        curves = block.curves[series.cell]
        seeds = [_line(plane.path(curve.points), f"{series.name}, seed {curve.seed}") for curve in curves]
        edges = [*_over_seeds(curves, max), *reversed(_over_seeds(curves, min))]
        mean = plane.path(_over_seeds(curves, lambda values: sum(values) / len(values)))
        lines = [f'<path class="band" d="{plane.path(edges)}"/>']
        lines += [f'<g class="seeds">{"".join(seeds)}</g>', _line(mean, f"{series.name}, mean", "curve")]
        parts.append(f'<g class="series-{series.style}" {plane.transform}>{"".join(lines)}</g>')
        labels.append(f"{series.name} ({plural(len(curves), 'seed')})")
    setting = f"{frame.setting}: " if frame.setting else ""
    return svg((WIDTH, HEIGHT), parts, f"{setting}{block.metric} by step of {', '.join(labels)}")


def searches(names: Sequence[str], curves: Sequence[Sequence[tuple[int, float, float, float]]]) -> list[str]:
    """The best of k trials by k, all on one scale. `curves`: (k, mean, low, high) for each contender."""
    x = axis([k for curve in curves for k, *_ in curve], LEFT, WIDTH - 6)
    y = axis([value for curve in curves for _, *values in curve for value in values], HEIGHT - BOTTOM, TOP)
    if x is None or y is None:
        return []
    across = Axis(1, max(2, *(k for curve in curves for k, *_ in curve)), LEFT, WIDTH - 6, log=False)
    plane = Plane(across, y, 1)
    drawn = []
    for name, curve in zip(names, curves, strict=True):
        low, high = [(k, end) for k, _, end, _ in curve], [(k, end) for k, _, _, end in curve]
        band = f'<path class="band" d="{plane.path([*high, *reversed(low)])}"/>'
        mean = _line(plane.path([(k, value) for k, value, _, _ in curve]), "expected best of k", "curve")
        parts = [*_scales(plane.x, y), f"<g {plane.transform}>{band}{mean}</g>"]
        drawn.append(svg((WIDTH, HEIGHT), parts, f"{name}: expected best of k trials by k"))
    return drawn


def _scales(x: Axis, y: Axis) -> list[str]:
    parts = []
    for tick in y.ticks(3):
        parts.append(f'<path class="rule" d="M{LEFT} {px(y(tick))}H{WIDTH - 6}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 5}" y="{y(tick) + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    for tick, anchor in ((x.low, "start"), (x.high, "end")):
        place = f'x="{x(tick):.1f}" y="{HEIGHT - 4}" text-anchor="{anchor}"'
        parts.append(f'<text class="tick" {place}>{tick:.0f}</text>')
    return parts


def _over_seeds(curves: Sequence[Curve], of: Callable[[list[float]], float]) -> tuple[tuple[int, float], ...]:
    by_step: dict[int, list[float]] = {}
    for curve in curves:
        for step, value in curve.points:
            by_step.setdefault(step, []).append(value)
    return tuple((step, of(by_step[step])) for step in sorted(by_step))


def _line(path: str, title: str, name: str = "") -> str:
    look = f' class="{name}"' if name else ""
    return f'<path{look} d="{path}"><title>{escape(title)}</title></path>'
