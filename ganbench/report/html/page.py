"""The page: what the template needs, from a report and the files behind it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, get_args

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ganbench.report import answers, layout
from ganbench.report.cells import curves_of, dots_of, runs_of
from ganbench.report.claims import Answer
from ganbench.report.html import charts
from ganbench.report.html.gallery import Gallery, Shown, galleries
from ganbench.report.layout import Grid
from ganbench.report.notes import notes
from ganbench.report.trajectories import per_run

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.report.comparisons import Family, Standing
    from ganbench.report.tables import Report, Section
    from ganbench.report.tuning import Tuning
    from ganbench.store import Store
    from ganbench.table import Results

    Drawn = tuple[Results, Report, pd.DataFrame]  # the numbers of `per_run` come last

AXES = ("variant", "dataset", "network", "batchnorm", "optimizer", "schedule", "batch", "steps")


@dataclass(frozen=True)
class Heat:
    """A number of the grid's heat map: `shade` is 0 for the worst of its column and 1 for the best, None for none."""

    text: str
    order: float | None  # what the column is sorted by
    shade: float | None


@dataclass(frozen=True)
class Metric:
    """A metric on a dataset: every seed as a dot, and the curves of each cell."""

    name: str
    arrow: str
    strip: Markup
    panels: tuple[tuple[str, Markup], ...]


@dataclass(frozen=True)
class Ranks:
    """How the values of an axis rank over all settings."""

    axis: str
    metric: str
    ranks: Markup
    profiles: Markup


@dataclass(frozen=True)
class Chapter:
    """One dataset."""

    slug: str
    section: Section
    constants: str
    outcomes: Grid | None
    names: tuple[tuple[str, ...], ...]
    heat: tuple[tuple[Heat, ...], ...]  # cells x metrics
    metrics: tuple[Metric, ...]
    galleries: tuple[Gallery, ...]
    left_out: int  # pictures


def draw(store: Store, results: Results, report: Report) -> str:
    """The whole page."""
    assets = files("ganbench.report.html") / "assets"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((assets / "page.html.j2").read_text())
    drawn = (results, report, per_run(results, report.rule))
    return template.render(
        report=report,
        counts=layout.counts(report),
        verdicts=get_args(Answer),
        claims=answers.claims_grid(report) if report.claims else None,
        answered=Counter(verdict.answer for verdict in report.claims),
        sources=answers.claim_sources(report),
        compared=[*answers.tuning_grids(report), *answers.family_grids(report), *answers.factor_grids(report)],
        searched=_searched(report.tuning) if report.tuning else [],
        standings=[_standing(family, family.standing) for family in report.families if family.standing],
        chapters=[chapter(store, drawn, section) for section in report.sections],
        excluded=layout.excluded_grid(report) if report.excluded else None,
        notes=notes(report),
        runs=_runs(results),
        environments=results.environments,
        manifest=json.dumps(results.manifest, indent=1),
        style=Markup((assets / "style.css").read_text()),
        script=Markup((assets / "script.js").read_text()),
        statuses_text=layout.runs_text,
    )


def chapter(store: Store, drawn: Drawn, section: Section) -> Chapter:
    """A dataset's tables, charts and pictures."""
    results, report, numbers = drawn
    names = [", ".join(layout.names(section, cell)) for cell in section.cells]
    shown = [
        (name, [Shown(run, seed, results.marks[run]) for run, seed in runs])
        for name, runs in zip(names, runs_of(results, section), strict=True)
    ]
    pictures, left_out = galleries(store, shown)
    return Chapter(
        slug=section.dataset.partition("[")[0],
        section=section,
        constants=layout.constants(section),
        outcomes=answers.outcome_grid(report, section),
        names=tuple(layout.names(section, cell) for cell in section.cells),
        heat=tuple(zip(*(_heat_column(section, name) for name in section.metrics), strict=True)),
        metrics=tuple(_metric(results, numbers, section, metric, names) for metric in section.metrics),
        galleries=tuple(pictures),
        left_out=left_out,
    )


def _standing(family: Family, standing: Standing) -> Ranks:
    names = [str(value) for value in standing.values]
    diagram = charts.critical_difference(names, standing.ranking.ranks, standing.ranking.cliques)
    curves = charts.profiles(names, standing.taus, standing.profiles) if standing.profiles else ""
    return Ranks(family.axis, family.metric, Markup(diagram), Markup(curves))


def _searched(tuning: Tuning) -> list[tuple[str, Markup]]:
    """Best of k against k, a panel a contender, all on one scale."""
    names = [one.name for one in tuning.contenders]
    drawn = charts.searches([[(p.k, p.mean, p.low, p.high) for p in one.curve] for one in tuning.contenders])
    return [(name, Markup(svg)) for name, svg in zip(names, drawn, strict=False)]


def _heat_column(section: Section, metric: str) -> list[Heat]:
    means = []
    for cell in section.cells:
        summary = cell.metrics.get(metric)
        means.append(summary.headline.mean if summary and summary.headline else None)
    ranked = sorted({mean for mean in means if mean is not None}, reverse=section.metrics[metric] == "lower")
    heats = []
    for cell, mean in zip(section.cells, means, strict=True):
        shade = ranked.index(mean) / (len(ranked) - 1) if mean is not None and len(ranked) > 1 else None
        heats.append(Heat(layout.headline(cell.metrics.get(metric), cell.statuses.get("done", 0)), mean, shade))
    return heats


def _metric(results: Results, numbers: pd.DataFrame, section: Section, metric: str, names: list[str]) -> Metric:
    curves, dots = curves_of(results, section, metric), dots_of(results, numbers, section, metric)
    summaries = [cell.metrics.get(metric) for cell in section.cells]
    means = [summary.headline if summary else None for summary in summaries]
    drawn = charts.panels([charts.Panel(*one) for one in zip(names, curves, strict=True)])
    return Metric(
        name=metric,
        arrow=layout.ARROWS[section.metrics[metric]],
        strip=Markup(charts.strip([charts.Row(*one) for one in zip(names, dots, means, strict=True)])),
        panels=tuple((name, Markup(svg)) for name, svg in zip(names, drawn, strict=False)),
    )


def _runs(results: Results) -> Grid:
    """Every run with what became of it; the first column is its id."""
    varying = [name for name in AXES if name in results.runs and results.runs[name].nunique() > 1]
    rows = []
    for run in results.runs.to_dict("records"):
        step, seconds = results.ended.get(run["run_id"], ("", 0.0))
        ended = (str(step), f"{seconds:.1f}", layout.one_line(run["error"]))
        rows.append((run["run_id"], *(str(run[name]) for name in varying), str(run["seed"]), run["status"], *ended))
    header = ("run", *varying, "seed", "status", "step", "seconds", "error")
    return Grid("every run", "runs", header, tuple(rows), 1 + len(varying))
