"""What the page draws of a dataset: every metric by seed and by step, and samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ganbench.report.analysis import names
from ganbench.report.analysis.cells import curves_of, dots_of, runs_of
from ganbench.report.model.document import (
    CellNames,
    CellPictures,
    Curves,
    Fold,
    Frame,
    Gallery,
    Picture,
    SeedDots,
    Series,
)
from ganbench.report.text import ARROWS
from ganbench.results.real import picture_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganbench.report.analysis.study import Study
    from ganbench.report.analysis.summary import DatasetSummary

SEEDS = 3  # of each cell whose samples are shown at the last mark
MARKS = 6  # of the first seed
OVERLAID = 6  # cells in a frame: as many as there are colours


@dataclass(frozen=True)
class Deciding:
    """The metric that a dataset is judged by, and `what` it decides, in words."""

    metric: str
    what: str


def deciding(study: Study, summary: DatasetSummary) -> Deciding | None:
    """The metric of the rule for good runs, else of the first claim, else of the first comparison that is measured."""
    questions = study.results.manifest.questions
    rule = questions.outcome.get(summary.dataset)
    parts = (part for verdict in study.report.claims if verdict.dataset == summary.dataset for part in verdict.parts)
    candidates = (
        *(Deciding(condition.metric, "whether a run is good") for condition in (rule.good if rule else ())),
        *(Deciding(part.part.test.metric, "the claims") for part in parts),
        *(Deciding(compare.metric, "the comparisons") for compare in questions.compare),
    )
    return next((known for known in candidates if known.metric in summary.metrics), None)


def seed_dots(study: Study, slug: str, summary: DatasetSummary, metric: str) -> SeedDots:
    """Every seed of every cell by a metric, with the means."""
    numbers = [cell.metrics.get(metric) for cell in summary.cells]
    means = tuple(number.headline if number else None for number in numbers)
    dots = tuple(dots_of(study.results, study.numbers, summary, metric))
    arrow = ARROWS[summary.metrics[metric]]
    return SeedDots(slug, metric, arrow, cell_names(summary), dots, means, study.report.rule)


def cell_names(summary: DatasetSummary) -> CellNames:
    whole = tuple(", ".join(names.whole(summary, cell)) for cell in summary.cells)
    return CellNames(whole, tuple(names.labels(summary)))


def anchors(slug: str, summary: DatasetSummary, what: str = "") -> tuple[str, ...]:
    """The id of each cell's row, or of another block about the cell."""
    return tuple(f"{slug}-{what}{'-' if what else ''}cell-{place}" for place in range(1, len(summary.cells) + 1))


def frames_of(summary: DatasetSummary) -> tuple[Frame, ...]:
    """A frame for each setting, with its variants; of many variants, at most `OVERLAID` in a frame."""
    axis = "variant" if "variant" in summary.varying else summary.varying[-1]
    values = list(dict.fromkeys(str(cell.columns[axis]) for cell in summary.cells))
    labels = dict(zip(values, names.shortened(values), strict=True))
    settings = names.labels(replace(summary, varying=tuple(name for name in summary.varying if name != axis)))
    found: dict[tuple[str, int], list[Series]] = {}
    for at, (cell, setting) in enumerate(zip(summary.cells, settings, strict=True)):
        value = str(cell.columns[axis])
        group, style = divmod(values.index(value), OVERLAID)
        found.setdefault((setting, group), []).append(Series(at, labels[value], style))
    return tuple(Frame(setting, tuple(series)) for (setting, _), series in found.items())


def charts(study: Study, slug: str, summary: DatasetSummary, cells: CellNames) -> Iterator[Fold]:
    """A fold for each metric with every seed as a dot and every curve; that of the deciding or first metric is open."""
    decides = deciding(study, summary)
    shown = decides.metric if decides else next(iter(summary.metrics), None)
    frames = frames_of(summary)
    for metric in summary.metrics:
        curves = tuple(curves_of(study.results, study.points, summary, metric))
        arrow, ids = ARROWS[summary.metrics[metric]], anchors(slug, summary, metric)
        charts = (
            seed_dots(study, slug, summary, metric),
            Curves(slug, metric, arrow, cells, curves, ids, frames),
        )
        yield Fold(f"{metric} {arrow}", f"{slug}-{metric}", charts, is_open=metric == shown, heading=True)


def gallery(study: Study, slug: str, summary: DatasetSummary, cells: CellNames) -> Iterator[Gallery]:
    """Samples of the first seeds at the last mark, and of the first seed over training; and real ones."""
    pictures, cell_runs = [], runs_of(study.results, summary)
    for runs in cell_runs:
        marks = {run_id: study.results.marks[run_id] for run_id, _ in runs}
        last = [(run, seed, marks[run][-1]) for run, seed in runs[:SEEDS] if marks[run]]
        over_time = [(run, seed, step) for run, seed in runs[:1] for step in _spread(marks[run])]
        pictures.append(CellPictures(_pictures(study, last), _pictures(study, over_time)))
    known = (picture_of(study.store.run(run_id)) for runs in cell_runs for run_id, _ in runs)
    real = next(filter(None, known), None)
    yield Gallery(f"{slug}-samples", cells, tuple(pictures), anchors(slug, summary, "samples"), real)


def _pictures(study: Study, wanted: list[tuple[str, int, int]]) -> tuple[Picture, ...]:
    folders = (study.store.run(run_id).path / "samples" for run_id, _, _ in wanted)
    return tuple(
        Picture(run_id, seed, step, folder / f"{step}.png")
        for (run_id, seed, step), folder in zip(wanted, folders, strict=True)
    )


def _spread(marks: tuple[int, ...]) -> tuple[int, ...]:
    """At most `MARKS` marks, evenly spaced, with the last."""
    if len(marks) <= MARKS:
        return marks
    return tuple(marks[round((i + 1) * len(marks) / MARKS) - 1] for i in range(MARKS))
