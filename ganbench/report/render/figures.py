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
    from ganbench.report.model.document import CellNames, Document

MEAN, SEED = "#0072b2", "#d55e00"  # of Okabe and Ito's palette, 2008
WIDTH = 6.3  # inches: a page's text
COLUMNS = 4  # panels in a row
LETTERS, NARROW = 34, 22  # characters in a line of a name: beside a row, above a panel
LINE, ROW, PANEL = 0.14, 0.14, 1.05  # inches: a line of a name, the rest of a row, a panel without its name
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
    """A panel for each cell that has a number, all on one scale, with every seed by step and their mean."""
    cells = zip(_labels(block.names, NARROW), block.curves, strict=True)
    drawn = [(label, curves) for label, curves in cells if curves]
    rows = -(-len(drawn) // COLUMNS)
    lines = max(label.count("\n") + 1 for label, _ in drawn)
    figure = _figure(0.6 + rows * (PANEL + LINE * lines))
    panels = list(figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).flat)
    for place, (label, curves) in enumerate(drawn):
        _panel(_plain(panels[place]), label, curves)
        panels[place].tick_params(labelbottom=place + COLUMNS >= len(drawn))
    for axes in panels[len(drawn) :]:
        axes.remove()
    figure.supxlabel("generator updates", fontsize="medium")
    figure.supylabel(f"{block.metric} {block.arrow}", fontsize="medium")
    return figure


def _panel(axes: Any, label: str, curves: Sequence[Curve]) -> None:
    by_step: dict[int, list[float]] = {}
    for curve in curves:
        axes.plot(*zip(*curve.points, strict=True), color=SEED, lw=0.6, alpha=0.5)
        for step, value in curve.points:
            by_step.setdefault(step, []).append(value)
    steps = sorted(by_step)
    axes.plot(steps, [sum(by_step[step]) / len(by_step[step]) for step in steps], color=MEAN, lw=1.8)
    axes.set_title(label, fontsize="x-small")
    axes.grid(alpha=0.3)
    axes.tick_params(labelsize="x-small")


def _labels(names: CellNames, letters: int) -> list[str]:
    """The cells' names in lines of so many characters, broken after commas if possible."""
    spaced = [label.replace(", ", ",").replace(",", ", ") for label in names.short]
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
