"""A report's cells and counts as grids of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.report.render.text import ABSENT, ARROWS, Grid, interval_text, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ganbench.report.model.tables import Cell, Report, Section, Summary
    from ganbench.stats import Interval


def section_grids(report: Report, section: Section) -> list[Grid]:
    """The headline by the rule; then best, last and tail side by side."""
    metrics = tuple(f"{name} {ARROWS[better]}" for name, better in section.metrics.items())
    slug = f"{report.suite}-{section.dataset}"
    first = Grid(
        f"rule {report.rule}, mean [95 % interval] over seeds",
        f"{slug}-headline",
        (*section.varying, "runs", "diverged", *metrics),
        tuple(_headline_row(section, cell) for cell in section.cells),
        len(section.varying),
        bold=frozenset(_bold(section)),
    )
    spread = Grid(
        "best / last / tail, mean [95 % interval] over seeds",
        f"{slug}-spread",
        (*section.varying, "of a run", *metrics),
        tuple((*names(section, cell), *row) for cell in section.cells for row in _spreads(section, cell)),
        len(section.varying) + 1,
        "Best is chosen on the same data that it reports and so flatters.",
    )
    return [first, spread] if metrics else [first]


def _bold(section: Section) -> Iterable[tuple[int, int]]:
    """The places in the headline of the cells that are the best beyond doubt."""
    first = len(section.varying) + 2
    places = {name: first + column for column, name in enumerate(section.metrics)}
    return ((row, places[name]) for name, row in section.best.items())


def excluded_grid(report: Report) -> Grid:
    """The cells that the suite left out, by the columns in which they differ, with the reasons."""
    cells = [cell.columns for cell in report.excluded]
    every = list(cells[0]) if cells else []
    columns = tuple(name for name in every if name in ("variant", "dataset") or len({c.get(name) for c in cells}) > 1)
    rows = tuple((*(str(cell.columns.get(n, ABSENT)) for n in columns), cell.because) for cell in report.excluded)
    return Grid("excluded cells", f"{report.suite}-excluded", (*columns, "because"), rows, len(columns) + 1)


def counts(report: Report) -> str:
    """`30 runs: 28 done, 2 missing; 4 cells excluded`."""
    runs = sum(report.statuses.values())
    parts = ", ".join(f"{count} {status}" for status, count in report.statuses.items())
    excluded = f"; {plural(len(report.excluded), 'cell')} excluded" if report.excluded else ""
    return f"{plural(runs, 'run')}{': ' if parts else ''}{parts}{excluded}"


def constants(section: Section) -> str:
    """`network dcgan, batch 64`: the columns that do not vary on this dataset."""
    return ", ".join(f"{name} {value}" for name, value in section.constant.items())


def runs_text(statuses: dict[str, int]) -> str:
    """`3/5, 1 failed, 1 missing`: done of all, then what became of the others."""
    others = "".join(f", {count} {status}" for status, count in statuses.items() if status != "done")
    return f"{statuses.get('done', 0)}/{sum(statuses.values())}{others}"


def _headline_row(section: Section, cell: Cell) -> tuple[str, ...]:
    done, rate = cell.statuses.get("done", 0), cell.diverged
    diverged = f"{cell.statuses.get('diverged', 0)}/{rate.n} [{rate.low:.2f}, {rate.high:.2f}]" if rate else ABSENT
    scores = (headline(cell.metrics.get(name), done) for name in section.metrics)
    return (*names(section, cell), runs_text(cell.statuses), diverged, *scores)


def names(section: Section, cell: Cell) -> tuple[str, ...]:
    """What tells a cell from the others on its dataset."""
    return tuple(str(cell.columns[name]) for name in section.varying)


def headline(summary: Summary | None, done: int) -> str:
    """A cell's number with its interval, and its n where that is not the number of runs done."""
    if summary is None or summary.headline is None:
        return ABSENT
    return interval_text(summary.headline) + _few(summary.headline.n, done)


def _few(n: int, done: int) -> str:
    """A flag for n = 1, and for a metric that fewer seeds have than are done."""
    return f" (n={n})" if n == 1 or n < done else ""


def _spreads(section: Section, cell: Cell) -> Iterator[tuple[str, ...]]:
    """A row for the best, the last and the tail of its runs."""
    done, summaries = cell.statuses.get("done", 0), [cell.metrics.get(name) for name in section.metrics]
    for name in ("best", "last", "tail"):
        found: list[Interval | None] = [getattr(one, name) if one else None for one in summaries]
        yield name, *(ABSENT if one is None else interval_text(one) + _few(one.n, done) for one in found)
