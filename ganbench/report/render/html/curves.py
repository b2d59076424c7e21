"""Curves as SVG text: by step, a frame for each setting with its variants overlaid, and searches by k."""

from __future__ import annotations

import itertools
from html import escape
from typing import TYPE_CHECKING

from ganbench.report.render.html.charts import BOTTOM, LEFT, TOP, Axis, axis, px, short, svg
from ganbench.report.text import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ganbench.report.analysis.cells import Curve
    from ganbench.report.model.document import Curves, Frame

WIDTH, HEIGHT = 320, 180  # of a frame


def frames(block: Curves, scale: str) -> list[str]:
    """A chart for each frame, all on the same scales: of each series every seed, their mean, and their extremes.

    Empty for a frame without a number. `scale`: the id of the scales, which the first chart holds for all.
    """
    points = [point for curves in block.curves for curve in curves for point in curve.points]
    y = axis([value for _, value in points], HEIGHT - BOTTOM, TOP)
    if y is None:
        return [""] * len(block.frames)
    across = Axis(0, max(step for step, _ in points), LEFT, WIDTH - 6, log=False)
    scales = itertools.chain(
        [f'<g id="{scale}">{"".join(_scales(across, y))}</g>'], itertools.repeat(f'<use href="#{scale}"/>')
    )
    known = [any(block.curves[one.cell] for one in frame.series) for frame in block.frames]
    pairs = zip(block.frames, known, strict=True)
    return [_frame(block, frame, (across, y), next(scales)) if has_any else "" for frame, has_any in pairs]


def _frame(block: Curves, frame: Frame, axes: tuple[Axis, Axis], scales: str) -> str:
    x, y = axes
    parts, labels = [scales], []
    for series in frame.series:
        curves = block.curves[series.cell]
        lines = [_band(curves, x, y)]
        lines += [_line(curve.points, x, y, "seed", f"{series.name}, seed {curve.seed}") for curve in curves]
        mean = _over_seeds(curves, lambda values: sum(values) / len(values))
        lines.append(_line(mean, x, y, "curve", f"{series.name}, mean"))
        parts.append(f'<g class="series-{series.style}">{"".join(lines)}</g>')
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
    drawn = []
    for name, curve in zip(names, curves, strict=True):
        low, high = [(k, end) for k, _, end, _ in curve], [(k, end) for k, _, _, end in curve]
        band = f'<path class="band" d="{path([*high, *reversed(low)], across, y)}"/>'
        mean = _line([(k, value) for k, value, _, _ in curve], across, y, "curve", "expected best of k")
        parts = [*_scales(across, y), band, mean]
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


def _band(curves: Sequence[Curve], x: Axis, y: Axis) -> str:
    edges = [*_over_seeds(curves, max), *reversed(_over_seeds(curves, min))]
    return f'<path class="band" d="{path(edges, x, y)}"/>'


def _line(points: Sequence[tuple[int, float]], x: Axis, y: Axis, name: str, title: str) -> str:
    return f'<path class="{name}" d="{path(points, x, y)}"><title>{escape(title)}</title></path>'


def path(points: Sequence[tuple[int, float]], x: Axis, y: Axis) -> str:
    """The line through the points to a tenth of a pixel, each after the first relative to the one before it: half as
    long as absolute places, and the page of a large suite is mostly lines."""
    tenths = [(round(10 * x(step)), round(10 * y(value))) for step, value in points]
    start = f"M{px(tenths[0][0] / 10)} {px(tenths[0][1] / 10)}l" if tenths else ""
    steps = " ".join(f"{px((b[0] - a[0]) / 10)} {px((b[1] - a[1]) / 10)}" for a, b in itertools.pairwise(tenths))
    return start + steps.replace(" -", "-")
