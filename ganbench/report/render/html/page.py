"""The page: what the template needs, from a report and the files behind it."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING, get_args

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ganbench.report.model import answers, names
from ganbench.report.model.cells import curves_of, dots_of, runs_of
from ganbench.report.model.claims import Answer
from ganbench.report.model.notes import notes
from ganbench.report.model.trajectories import per_run
from ganbench.report.render import layout
from ganbench.report.render.html import charts
from ganbench.report.render.html.gallery import Gallery, Shown, galleries
from ganbench.report.render.text import ABSENT, ARROWS, Grid, one_line
from ganbench.spec import AXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from ganbench.report.model.comparisons import Family, Standing
    from ganbench.report.model.tables import Report, Section
    from ganbench.report.model.tuning import Tuning
    from ganbench.results.store import Store
    from ganbench.results.table import Results

    Drawn = tuple[Results, Report, pd.DataFrame]  # the numbers of `per_run` come last


@dataclass(frozen=True)
class Heat:
    """A number of the grid's heat map: `shade` is 0 for the worst of its column and 1 for the best, None for none."""

    order: float  # what the column is sorted by
    shade: float | None


@dataclass(frozen=True)
class Metric:
    """A metric on a dataset: every seed as a dot, and the curves of each cell."""

    name: str
    arrow: str
    strip: tuple[Markup, ...]  # a chart a cell
    foot: Markup
    panels: tuple[Markup, ...]


@dataclass(frozen=True)
class Ranks:
    """How the values of an axis rank over all settings."""

    axis: str
    metric: str
    ranks: Markup
    profiles: Markup


@dataclass(frozen=True)
class Chapter:
    """One dataset. Ids on the page begin with its `slug`."""

    slug: str
    section: Section
    constants: str
    outcomes: Grid | None
    grid: Grid
    heats: dict[tuple[int, int], Heat]  # by row and column of the grid
    spread: tuple[Grid, ...]  # best, last and tail; none without a metric
    names: tuple[str, ...]  # of the cells, whole
    labels: tuple[str, ...]  # and short
    metrics: tuple[Metric, ...]
    galleries: tuple[Gallery, ...]

    def ids(self, what: str = "") -> list[str]:
        """The id of each cell, or of what shows it elsewhere."""
        return [f"{self.slug}-{what}{'-' if what else ''}cell-{place}" for place in range(1, len(self.names) + 1)]


def draw(store: Store, results: Results, report: Report) -> str:
    """The whole page."""
    assets = files("ganbench.report.render.html") / "assets"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"soft": _soft, "whole": _whole}
    template = environment.from_string((assets / "page.html.j2").read_text())
    claims = answers.claims_grid(report) if report.claims else None
    drawn = (results, report, per_run(results, report.rule))
    pictures, left_out = galleries(store, [_shown(results, section) for section in report.sections])
    slugs = names.slugs([section.dataset for section in report.sections])
    return template.render(
        report=report,
        counts=layout.counts(report),
        verdicts=get_args(Answer),
        claims=_answers_first(claims) if claims else None,
        answered=Counter(verdict.answer for verdict in report.claims),
        said=_said(report, claims) if claims else [],
        compared=[*answers.tuning_grids(report), *answers.family_grids(report), *answers.factor_grids(report)],
        searched=_searched(report.tuning) if report.tuning else [],
        standings=[_standing(family, family.standing) for family in report.families if family.standing],
        chapters=[chapter(drawn, *one) for one in zip(report.sections, slugs, pictures, strict=True)],
        left_out=left_out,
        excluded=layout.excluded_grid(report) if report.excluded else None,
        notes=notes(report),
        runs=_runs(results),
        environments=results.environments,
        manifest=json.dumps(results.manifest.as_json(), indent=1),
        style=Markup((assets / "style.css").read_text()),
        script=Markup((assets / "script.js").read_text()),
    )


def chapter(drawn: Drawn, section: Section, slug: str, pictures: list[Gallery]) -> Chapter:
    """A dataset's tables, charts and pictures."""
    results, report, numbers = drawn
    outcomes = answers.outcome_grid(report, section)
    grid, *spread = layout.section_grids(report, section)
    grid = _without(grid, "diverged") if outcomes else grid  # which tell it
    whole = tuple(", ".join(layout.names(section, cell)) for cell in section.cells)
    return Chapter(
        slug=slug,
        section=section,
        constants=layout.constants(section),
        outcomes=outcomes,
        grid=grid,
        heats=dict(_heats(section, len(grid.header) - len(section.metrics))),
        spread=tuple(spread),
        names=whole,
        labels=tuple(names.labels(section)),
        metrics=tuple(_metric(results, numbers, section, metric) for metric in section.metrics),
        galleries=tuple(pictures),
    )


def _shown(results: Results, section: Section) -> list[list[Shown]]:
    """The runs of each cell whose samples may be shown."""
    return [[Shown(run, seed, results.marks[run]) for run, seed in runs] for runs in runs_of(results, section)]


def _answers_first(claims: Grid) -> Grid:
    """The claims in columns that fit a screen, the answer first; `_said` tells the others below the claim."""
    order = ("answer", "claim", "dataset", "effect [95 %]", "p (Holm)", "n")
    places = [claims.header.index(name) for name in order]
    return replace(claims, header=order, rows=tuple(tuple(row[at] for at in places) for row in claims.rows))


def _said(report: Report, claims: Grid) -> list[list[str]]:
    """Of each claim: where it is from and how it is tested, the published numbers, and notes."""
    lines = []
    for verdict, row in zip(report.claims, claims.rows, strict=True):
        found = [f"{verdict.claim.source}. Tested: {answers.tested(verdict.claim)}."]
        more = {name: text for name, text in zip(claims.header, row, strict=True) if text != ABSENT}
        found += [f"{name}: {text}" for name, text in more.items() if name.startswith(("published", "notes"))]
        lines.append(found)
    return lines


def _without(grid: Grid, name: str) -> Grid:
    """A grid that lacks a column."""
    at = grid.header.index(name)
    rows = tuple((*row[:at], *row[at + 1 :]) for row in (grid.header, *grid.rows))
    bold = frozenset((row, column - (column > at)) for row, column in grid.bold)
    return replace(grid, header=rows[0], rows=rows[1:], bold=bold)


def _soft(text: str) -> Markup:
    """Text that may break behind the commas of a notation."""
    return Markup(",<wbr>").join(text.split(","))


def _whole(text: str) -> str:
    """Text whose numbers stay in one line with their intervals."""
    return re.sub(r" (?=\[)|(?<=,) (?=[^\[]*\])|(?<=<) ", "\N{NO-BREAK SPACE}", text)


def _standing(family: Family, standing: Standing) -> Ranks:
    values = names.shortened([str(value) for value in standing.values])
    diagram = charts.critical_difference(values, standing.ranking.ranks, standing.ranking.cliques)
    curves = charts.profiles(values, standing.taus, standing.profiles) if standing.profiles else ""
    return Ranks(family.axis, family.metric, Markup(diagram), Markup(curves))


def _searched(tuning: Tuning) -> list[tuple[str, Markup]]:
    """Best of k against k, a panel a contender, all on one scale."""
    contenders = [one.name for one in tuning.contenders]
    curves = [[(p.k, p.mean, p.low, p.high) for p in one.curve] for one in tuning.contenders]
    drawn = charts.searches(contenders, curves)
    return [(name, Markup(svg)) for name, svg in zip(contenders, drawn, strict=False)]


def _heats(section: Section, first: int) -> Iterator[tuple[tuple[int, int], Heat]]:
    """By row and column the shade of every number; the metrics begin at the column `first`."""
    for column, (metric, better) in enumerate(section.metrics.items(), start=first):
        means = {}
        for row, cell in enumerate(section.cells):
            summary = cell.metrics.get(metric)
            if summary and summary.headline:
                means[row] = summary.headline.mean
        ranked = sorted(set(means.values()), reverse=better == "lower")
        for row, mean in means.items():
            yield (row, column), Heat(mean, ranked.index(mean) / (len(ranked) - 1) if len(ranked) > 1 else None)


def _metric(results: Results, numbers: pd.DataFrame, section: Section, metric: str) -> Metric:
    labels = names.labels(section)
    curves, dots = curves_of(results, section, metric), dots_of(results, numbers, section, metric)
    summaries = [cell.metrics.get(metric) for cell in section.cells]
    means = [summary.headline if summary else None for summary in summaries]
    strip = charts.strip([charts.Row(*one) for one in zip(labels, dots, means, strict=True)], metric)
    panels = charts.panels([charts.Panel(*one) for one in zip(labels, curves, strict=True)], metric)
    return Metric(
        name=metric,
        arrow=ARROWS[section.metrics[metric]],
        strip=tuple(map(Markup, strip.rows)) if strip else (),
        foot=Markup(strip.foot if strip else ""),
        panels=tuple(map(Markup, panels)),
    )


def _runs(results: Results) -> Grid:
    """Every run with what became of it; the first column is its id."""
    varying = [name for name in AXES if name != "seed" and name in results.runs and results.runs[name].nunique() > 1]
    rows = []
    for run in results.runs.to_dict("records"):
        step, seconds = results.ended.get(run["run_id"], ("", 0.0))
        ended = (str(step), f"{seconds:.1f}", one_line(run["error"]))
        rows.append((run["run_id"], *(str(run[name]) for name in varying), str(run["seed"]), run["status"], *ended))
    header = ("run", *varying, "seed", "status", "step", "seconds", "error")
    return Grid("every run", "runs", header, tuple(rows), 1 + len(varying))
