"""Figures for a paper as PDF and PNG, in colours that colour-blind readers can distinguish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ganbench.report.model.document import Curves, SeedDots, flat
from ganbench.report.render.html.charts import stacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ganbench.report.analysis.cells import Curve
    from ganbench.report.model.document import CellNames, Document, Series

MEAN, SEED = "#0072b2", "#d55e00"  # of Okabe and Ito's palette, 2008
GREEN, PURPLE, ORANGE, SKY = "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
COLOURS = (MEAN, SEED, GREEN, PURPLE, ORANGE, SKY)  # of series
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (7, 2)), (0, (1, 3)))
WIDTH = 6.3  # inches: a page's text
COLUMNS = 3  # panels in a row
LETTERS, NARROW = 34, 22  # characters in a line of a name: beside a row, above a panel
LINE, ROW, PANEL = 0.14, 0.14, 1.35  # inches: a line of a name, the rest of a row, a panel without its name
STEP, STACK = 0.13, 0.7  # shares of a row: between two equal seeds, and the maximum for a stack
CLOSE = 0.012  # share of the axis; closer seeds are stacked
FORMATS = ("pdf", "png")


def write(document: Document, folder: Path) -> list[Path]:
    """Write `DATASET-METRIC-seeds` and `DATASET-METRIC-curves` as PDF and PNG. Returns the paths, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in figures(document):
        for format in FORMATS:
            path = folder / f"{name.replace('/', '-')}.{format}"  # a metric's name may have parts
            figure.savefig(path, dpi=200, metadata=_undated(format))
            written.append(path)
    return written


def figures(document: Document) -> Iterator[tuple[str, Figure]]:
    """Each chart of the document with its name; a metric without a number on a dataset has no chart."""
    blocks = flat(block for section in document.sections for block in section.blocks)
    for block in dict.fromkeys(block for block in blocks if isinstance(block, SeedDots | Curves)):  # some occur twice
        match block:
            case SeedDots(dataset=dataset, metric=metric, dots=dots) if any(dots):
                yield f"{dataset}-{metric}-seeds", _seeds(block)
            case Curves(dataset=dataset, metric=metric, curves=curves) if any(curves):
                yield f"{dataset}-{metric}-curves", _curves(block)


def _seeds(block: SeedDots) -> Figure:
    """A row for each cell with every seed as a dot, the mean and its interval; empty for a cell without a number."""
    labels = _labels(block.names, LETTERS)
    places = [[dot.value for dot in dots] for dots in block.dots]
    known = [value for values in places for value in values]
    close = max(CLOSE * (max(known) - min(known)), 1e-12)  # equal values are always close
    lines = sum(label.count("\n") + 1 for label in labels)
    figure = _figure(0.6 + ROW * len(labels) + LINE * lines)
    axes = _plain(figure.add_subplot())
    for row, (values, mean) in enumerate(zip(places, block.means, strict=True)):
        heights = [row + shift for shift in stacked(values, close, STEP, STACK)]
        axes.plot(values, heights, "o", ms=3.5, color=SEED, alpha=0.7, mew=0)
        if mean is not None:
            axes.plot([mean.mean], [row], "|", ms=12, mew=2, color=MEAN)
            if mean.low is not None and mean.high is not None:
                axes.plot([mean.low, mean.high], [row, row], color=MEAN, lw=2.5, alpha=0.5)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xlabel(f"{block.metric} {block.arrow}")
    axes.grid(axis="x", alpha=0.3)
    return figure


def _curves(block: Curves) -> Figure:
    """A panel for each frame that has a number, all on one scale, with every seed by step and the means."""
    drawn = [frame for frame in block.frames if any(block.curves[series.cell] for series in frame.series)]
    titles = _wrapped([frame.setting for frame in drawn], NARROW)
    columns = min(COLUMNS, len(drawn))
    rows = -(-len(drawn) // columns)
    keys = {series.name: series for frame in drawn for series in frame.series}
    lines = max(title.count("\n") + 1 for title in titles)
    figure = _figure(0.6 + LINE * len(keys) + rows * (PANEL + LINE * lines))
    panels = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for place, (title, frame) in enumerate(zip(titles, drawn, strict=True)):
        for series in frame.series:
            _series(_plain(panels[place]), series, block.curves[series.cell])
        panels[place].set_title(title, fontsize="x-small")
        panels[place].tick_params(labelbottom=place + columns >= len(drawn))
    if len(keys) > 1:
        handles = {line.get_label(): line for axes in panels for line in axes.lines if line.get_label() in keys}
        labels = _wrapped(list(handles), 2 * LETTERS)
        figure.legend(list(handles.values()), labels, loc="outside upper center", fontsize="x-small", frameon=False)
    for axes in panels[len(drawn) :]:
        axes.remove()
    figure.supxlabel("generator updates", fontsize="medium")
    figure.supylabel(f"{block.metric} {block.arrow}", fontsize="medium")
    return figure


def _series(axes: Any, series: Series, curves: Sequence[Curve]) -> None:
    colour, dashes = COLOURS[series.style], DASHES[series.style]
    by_step: dict[int, list[float]] = {}
    for curve in curves:
        axes.plot(*zip(*curve.points, strict=True), color=colour, lw=0.6, alpha=0.4)
        for step, value in curve.points:
            by_step.setdefault(step, []).append(value)
    steps = sorted(by_step)
    means = [sum(by_step[step]) / len(by_step[step]) for step in steps]
    axes.plot(steps, means, linestyle=dashes, color=colour, lw=1.8, label=series.name)
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize="x-small")


def _labels(names: CellNames, letters: int) -> list[str]:
    """The cells' names in lines of so many characters."""
    return _wrapped(names.short, letters)


def _wrapped(names: Sequence[str], letters: int) -> list[str]:
    """Names in lines of so many characters, broken after commas if possible."""
    spaced = [label.replace(", ", ",").replace(",", ", ") for label in names]
    return ["\n".join(wrap(label, letters)) for label in spaced]


def _figure(height: float) -> Figure:
    from matplotlib.figure import Figure  # takes a second

    return Figure(figsize=(WIDTH, height), layout="constrained")


def _plain(axes: Any) -> Any:
    """Axes without a box."""
    axes.tick_params(labelsize="small")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return axes


def _undated(format: str) -> dict[str, None]:
    """Metadata without a date, so that the same numbers give the same file."""
    return {"CreationDate": None} if format == "pdf" else {}
