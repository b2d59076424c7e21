"""A section for each dataset: tables, charts of every metric, and samples."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from ganbench.report.analysis import names
from ganbench.report.model.document import (
    Column,
    Fold,
    Paragraph,
    Section,
    Shade,
    Table,
    named,
    numbered,
)
from ganbench.report.model.sections.charts import anchors, cell_names, charts, gallery
from ganbench.report.text import ABSENT, ARROWS, interval_text, rate_text
from ganbench.stats import FEWEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ganbench.report.analysis.outcomes import Outcomes
    from ganbench.report.analysis.study import Study
    from ganbench.report.analysis.summary import CellSummary, DatasetSummary, MetricSummary, Report
    from ganbench.report.model.document import Place
    from ganbench.stats import Interval

OUTCOMES = (
    "Shares of the finished runs with Wilson's 95 % intervals. A collapsed run was good and lost its diversity or its"
    " quality; a run that was never good did not learn. The step of collapse is given as median and range, and of the"
    " collapsed runs the number that stayed diverse."
)
DISPLACED = 2  # modes more after the alignment than in place, from which on the report says so
SHORTENED = (
    "The names below leave out the options that all components of a kind share; the table above has the whole names."
)


def datasets(study: Study) -> Iterator[Section]:
    """The sections, in the suite's order. Ids on the page begin with the dataset's slug."""
    for section, summary in zip(dataset_tables(study), study.report.sections, strict=True):
        cells, slug = cell_names(summary), section.label
        blocks = (
            *section.blocks,
            *charts(study, slug, summary, cells),
            *gallery(study, slug, summary, cells),
        )
        yield replace(section, blocks=blocks)


def dataset_tables(study: Study) -> Iterator[Section]:
    """The same sections without charts and pictures."""
    summaries = study.report.sections
    slugs = names.slugs([summary.dataset for summary in summaries])
    for slug, summary in zip(slugs, summaries, strict=True):
        yield _section(study.report, slug, summary)


def _section(report: Report, slug: str, summary: DatasetSummary) -> Section:
    cells = cell_names(summary)
    constants = ", ".join(f"{name} {value}" for name, value in summary.constant.items())
    shortened = [Paragraph(SHORTENED, audience="page")] if cells.whole != cells.short else []
    blocks = (
        *([Paragraph(f"Constant: {constants}.")] if constants else []),
        *_tables(report, summary, slug, constants),
        *_displaced(summary),
        *shortened,
    )
    return Section(summary.dataset, slug, blocks)


def _displaced(summary: DatasetSummary) -> Iterator[Paragraph]:
    """A sentence about the cells whose generators have modes in another place."""
    found = []
    for cell in summary.cells:
        modes, aligned = (cell.metrics.get(name) for name in ("modes", "modes_aligned"))
        if not (modes and aligned and modes.headline and aligned.headline):
            continue
        if aligned.headline.mean >= modes.headline.mean + DISPLACED:
            counts = f"{aligned.headline.mean:.1f} and {modes.headline.mean:.1f}"
            found.append(f"{', '.join(names.whole(summary, cell))} ({counts})")
    if found:
        yield Paragraph(
            "Modes in another place, with the means of modes_aligned (captured after the best shift and scale) and of"
            f" modes (captured in place): {'; '.join(found)}. Batch norm in D that normalizes real and"
            " generated batches separately hides a shift or a scale; displacement is its size in standard"
            " deviations of a mode."
        )


def _tables(report: Report, summary: DatasetSummary, slug: str, constants: str) -> Iterator[Table | Fold]:
    """Outcomes, the headline by the report's rule, then best, last and tail."""

    def about(title: str) -> str:
        return f"{report.suite} on {summary.dataset}: {title}{f' ({constants})' if constants else ''}."

    label, has_outcomes = f"{report.suite}-{slug}", any(cell.outcomes for cell in summary.cells)
    metrics = numbered(*(f"{name} {ARROWS[better]}" for name, better in summary.metrics.items()))
    title = f"rule {report.rule}, mean [95 % interval] over seeds"
    if has_outcomes:
        yield _outcomes(summary, label, about, slug)
    yield Table(
        title=title,
        label=f"{label}-headline",
        columns=(
            *named(*summary.varying),
            Column("runs"),
            Column("diverged", page="nowhere" if has_outcomes else "in place"),
            *metrics,
        ),
        rows=tuple(_headline_row(summary, cell) for cell in summary.cells),
        caption=about(title),
        bold=frozenset(_best(summary)),
        shades=dict(_shades(summary)),
        anchors=anchors(slug, summary),
    )
    if not metrics:
        return
    title = "best / last / tail, mean [95 % interval] over seeds"
    spread = Table(
        title=title,
        label=f"{label}-spread",
        columns=(*named(*summary.varying, "of a run"), *metrics),
        rows=tuple((*names.whole(summary, cell), *row) for cell in summary.cells for row in _spreads(summary, cell)),
        caption=about(title),
        note="Best is picked on the data it is reported on, so it is optimistic.",
    )
    yield Fold("best, last and tail", f"{slug}-spread", (spread,))


def _outcomes(summary: DatasetSummary, label: str, about: Callable[[str], str], slug: str) -> Table:
    """The shares of the outcomes of runs."""
    rows = []
    for cell in summary.cells:
        numbers: tuple[str, ...] = (ABSENT,) * 7
        if own := cell.outcomes:
            rates = (own.stable, own.collapsed, own.never_good, own.diverged)
            numbers = (str(own.stable.n), *map(rate_text, rates), _steps(own.steps), _diverse(own))
        rows.append((*names.whole(summary, cell), *numbers))
    title = f"outcomes by the suite's rule: {summary.outcome}"
    return Table(
        title=title,
        label=f"{label}-outcomes",
        columns=(
            *named(*summary.varying),
            *numbered("runs", "stable", "collapsed", "never_good", "diverged", "collapsed at step", "still diverse"),
        ),
        rows=tuple(rows),
        caption=about(title),
        note=OUTCOMES,
        anchors=anchors(slug, summary, "outcomes"),
    )


def _steps(steps: tuple[int, ...]) -> str:
    return f"{median(steps):g} [{steps[0]}, {steps[-1]}]" if steps else ABSENT


def _diverse(outcomes: Outcomes) -> str:
    """`1/4`: of the collapsed runs, those that stayed diverse."""
    return f"{outcomes.diverse}/{len(outcomes.steps)}" if outcomes.steps else ABSENT


def _headline_row(summary: DatasetSummary, cell: CellSummary) -> tuple[str, ...]:
    done, rate = cell.statuses.get("done", 0), cell.diverged
    diverged = f"{cell.statuses.get('diverged', 0)}/{rate.n} [{rate.low:.2f}, {rate.high:.2f}]" if rate else ABSENT
    scores = (_headline(cell.metrics.get(name), done) for name in summary.metrics)
    return (*names.whole(summary, cell), runs_text(cell.statuses), diverged, *scores)


def runs_text(statuses: dict[str, int]) -> str:
    """`3/5, 1 failed, 1 missing`: how many of all runs are done, then the states of the others."""
    others = "".join(f", {count} {status}" for status, count in statuses.items() if status != "done")
    return f"{statuses.get('done', 0)}/{sum(statuses.values())}{others}"


def _headline(summary: MetricSummary | None, done: int) -> str:
    """A cell's number with its interval, and its n if that is not the number of runs that are done."""
    if summary is None or summary.headline is None:
        return ABSENT
    return interval_text(summary.headline) + _few(summary.headline.n, done)


def _few(n: int, done: int) -> str:
    """The n, if it is too few for an interval or less than the number of runs that are done."""
    return f" (n={n})" if n < FEWEST or n < done else ""


def _spreads(summary: DatasetSummary, cell: CellSummary) -> Iterator[tuple[str, ...]]:
    """A row each for the best, the last and the tail of a cell's runs."""
    done, metrics = cell.statuses.get("done", 0), [cell.metrics.get(name) for name in summary.metrics]
    for name in ("best", "last", "tail"):
        intervals: list[Interval | None] = [getattr(metric, name) if metric else None for metric in metrics]
        yield name, *(interval_text(i) + (_few(i.n, done) if i else "") for i in intervals)


def _best(summary: DatasetSummary) -> Iterator[Place]:
    """The places in the headline table of the cells that are significantly the best."""
    first = len(summary.varying) + 2
    places = {name: first + column for column, name in enumerate(summary.metrics)}
    return ((row, places[name]) for name, row in summary.best.items())


def _shades(summary: DatasetSummary) -> Iterator[tuple[Place, Shade]]:
    """The shade of every number of the headline table."""
    for column, (metric, better) in enumerate(summary.metrics.items(), start=len(summary.varying) + 2):
        means = {}
        for row, cell in enumerate(summary.cells):
            numbers = cell.metrics.get(metric)
            if numbers and numbers.headline:
                means[row] = numbers.headline.mean
        ranked = sorted(set(means.values()), reverse=better == "lower")
        for row, mean in means.items():
            yield (row, column), Shade(mean, ranked.index(mean) / (len(ranked) - 1) if len(ranked) > 1 else None)
