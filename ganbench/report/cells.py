"""The runs of a section's cells: each one's number by the report's rule, and its curve."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.report.tables import Cell, Section
    from ganbench.store import Store
    from ganbench.table import Results


@dataclass(frozen=True)
class Dot:
    """The number of one run that is done, by the report's rule."""

    value: float
    run_id: str
    seed: int


@dataclass(frozen=True)
class Curve:
    """One run over its marks: (step, value), whatever became of it."""

    run_id: str
    seed: int
    points: tuple[tuple[int, float], ...]


def runs_of(results: Results, section: Section, cell: Cell) -> pd.DataFrame:
    """The runs of a cell, by seed."""
    runs = results.runs[results.runs["dataset"] == section.dataset]
    for name in section.varying:
        runs = runs[runs[name] == cell.columns[name]]
    return runs.sort_values("seed")


def curves_of(results: Results, section: Section, metric: str) -> list[tuple[Curve, ...]]:
    """For each cell the curves of its runs, by seed; a run that was never scored has none."""
    scores = results.scores[results.scores["metric"] == metric].sort_values("step")
    by_run = {
        run_id: tuple(zip(own["step"].tolist(), own["value"].tolist(), strict=True))
        for run_id, own in scores.groupby("run_id")
    }
    return [
        tuple(
            Curve(run_id, seed, by_run[run_id])
            for run_id, seed in zip(runs["run_id"].tolist(), runs["seed"].tolist(), strict=True)
            if run_id in by_run
        )
        for runs in (runs_of(results, section, cell) for cell in section.cells)
    ]


def dots_of(results: Results, numbers: pd.DataFrame, section: Section, metric: str) -> list[tuple[Dot, ...]]:
    """For each cell the numbers of its runs by the report's rule; `numbers`: what `per_run` gives."""
    own = numbers[(numbers["metric"] == metric) & numbers["headline"].notna()]
    values = dict(zip(own["run_id"].tolist(), own["headline"].tolist(), strict=True))
    return [
        tuple(
            Dot(values[run_id], run_id, seed)
            for run_id, seed in zip(runs["run_id"].tolist(), runs["seed"].tolist(), strict=True)
            if run_id in values
        )
        for runs in (runs_of(results, section, cell) for cell in section.cells)
    ]


def environments(store: Store, results: Results) -> list[tuple[int, str]]:
    """The different environments that the runs record, as JSON, with how many runs each; the commonest first."""
    found: dict[str, int] = {}
    for run_id in results.runs["run_id"]:
        body: Any = store.run(run_id).read_json("env.json")
        if body is not None:
            text = json.dumps(body, indent=1)
            found[text] = found.get(text, 0) + 1
    return [(count, text) for text, count in sorted(found.items(), key=lambda item: -item[1])]
