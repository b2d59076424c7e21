"""Figures for a paper: vector and pixels, with a palette that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganbench.report import layout
from ganbench.report.cells import curves_of, dots_of
from ganbench.report.trajectories import per_run

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ganbench.report.tables import Cell, Report, Section
    from ganbench.table import Results

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#000000")  # Okabe and Ito 2008
DASHES = ("-", "--", ":", "-.")  # tell curves apart where the colours begin again, and in black and white
WIDTH = 6.3  # inches: a page's text
LONGEST = 48  # characters of a cell's name
FORMATS = ("pdf", "png")


def write(results: Results, report: Report, folder: Path) -> list[Path]:
    """`DATASET-METRIC-seeds` and `DATASET-METRIC-curves` as PDF and PNG; the paths, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in figures(results, report):
        for format in FORMATS:
            path = folder / f"{name}.{format}"
            figure.savefig(path, dpi=200, metadata=_undated(format))
            written.append(path)
    return written


def figures(results: Results, report: Report) -> Iterator[tuple[str, Figure]]:
    """Each figure with its name; a metric without a number on a dataset has none."""
    numbers = per_run(results, report.rule)
    for section in report.sections:
        slug = section.dataset.partition("[")[0]
        for metric in section.metrics:
            if any(dots for dots in dots_of(results, numbers, section, metric)):
                yield f"{slug}-{metric}-seeds", _seeds(results, numbers, section, metric)
                yield f"{slug}-{metric}-curves", _curves(results, section, metric)


def _seeds(results: Results, numbers: pd.DataFrame, section: Section, metric: str) -> Figure:
    """Every seed as a dot, the mean and its interval, a row a cell."""
    figure, axes = _axes(0.6 + 0.26 * len(section.cells))
    names = [_name(section, cell) for cell in section.cells]
    for row, (cell, dots) in enumerate(zip(section.cells, dots_of(results, numbers, section, metric), strict=True)):
        axes.plot([dot.value for dot in dots], [row] * len(dots), "o", ms=4, color=PALETTE[1], alpha=0.7, mew=0)
        summary = cell.metrics.get(metric)
        mean = summary.headline if summary else None
        if mean is not None:
            axes.plot([mean.mean], [row], "|", ms=12, mew=2, color=PALETTE[0])
            if mean.low is not None and mean.high is not None:
                axes.plot([mean.low, mean.high], [row, row], color=PALETTE[0], lw=2.5, alpha=0.5)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlabel(f"{metric} {layout.ARROWS[section.metrics[metric]]}")
    axes.grid(axis="x", alpha=0.3)
    return figure


def _curves(results: Results, section: Section, metric: str) -> Figure:
    """The mean over seeds by step with the band between the extremes, a colour a cell."""
    figure, axes = _axes(max(3.2, 0.6 + 0.18 * len(section.cells)))
    for number, (cell, curves) in enumerate(zip(section.cells, curves_of(results, section, metric), strict=True)):
        by_step: dict[int, list[float]] = {}
        for step, value in (point for curve in curves for point in curve.points):
            by_step.setdefault(step, []).append(value)
        steps = sorted(by_step)
        colour, dash = PALETTE[number % len(PALETTE)], DASHES[number // len(PALETTE) % len(DASHES)]
        means = [sum(by_step[step]) / len(by_step[step]) for step in steps]
        axes.plot(steps, means, dash, color=colour, label=_name(section, cell))
        axes.fill_between(
            steps, [min(by_step[s]) for s in steps], [max(by_step[s]) for s in steps], color=colour, alpha=0.12, lw=0
        )
    axes.set_xlabel("generator updates")
    axes.set_ylabel(f"{metric} {layout.ARROWS[section.metrics[metric]]}")
    axes.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    axes.grid(alpha=0.3)
    return figure


def _name(section: Section, cell: Cell) -> str:
    """A cell's name, cut where it would leave no room for the figure."""
    name = ", ".join(layout.names(section, cell))
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _axes(height: float) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure  # takes a second

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(labelsize="small")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _undated(format: str) -> dict[str, None]:
    """The same numbers give the same file."""
    return {"CreationDate": None} if format == "pdf" else {}
