"""The section of a suite's `foretell`: which metrics, at an early mark, foretell how runs end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.report.analysis import names
from ganbench.report.analysis.foretelling import LEVEL, foretelling
from ganbench.report.model.document import Section, Table, named, numbered
from ganbench.report.text import ABSENT, ARROWS, interval_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ganbench.report.analysis.foretelling import Ends
    from ganbench.report.analysis.study import Study
    from ganbench.stats import Interval

CHANCE = 0.5


def foretold(study: Study) -> Iterator[Section]:
    """A table for each dataset and each metric of its rule."""
    found = [ends for ends in foretelling(study.results) if ends.rows]
    better = study.results.manifest.ranked_metrics()
    labels = names.slugs([f"{ends.dataset}-{ends.metric}" for ends in found])
    if found:
        tables = (_table(ends, f"foretells-{label}", better) for ends, label in zip(found, labels, strict=True))
        yield Section("What foretells the end", "foretells", tuple(tables))


def _table(ends: Ends, label: str, better: Mapping[str, str]) -> Table:
    rows = tuple(
        (
            f"{row.metric} {ARROWS[better[row.metric]]}",
            *(interval_text(share) if share else ABSENT for share in (row.pooled, row.within)),
            str(row.runs),
        )
        for row in ends.rows
    )
    bold = frozenset(
        (place, 1 + column)
        for place, row in enumerate(ends.rows)
        for column, share in enumerate((row.pooled, row.within))
        if share and _is_clear(share)
    )
    return Table(
        title=f"end by {ends.metric}, on {ends.dataset}",
        label=label,
        columns=(*named(f"at step {ends.step}"), *numbered("all pairs", "pairs of one cell", "runs")),
        rows=rows,
        note=_note(ends),
        bold=bold,
    )


def _is_clear(share: Interval) -> bool:
    return share.low is not None and share.high is not None and not share.low <= CHANCE <= share.high


def _note(ends: Ends) -> str:
    left = f" {ends.left_out} of them had diverged by step {ends.step} and are left out." if ends.left_out else ""
    within = [row.within.n for row in ends.rows if row.within]
    pairs = f" Up to {max(within)} pairs of one cell have different ends." if within else ""
    return (
        f"The share of the pairs of runs in which the run with the worse number at step {ends.step}, by the metric's"
        f" arrow, has the worse {ends.metric} at the end (the median over the last fifth of its marks; a diverged run"
        f" has the worst). 0.5 is chance, and less than that means that the arrow points the other way. {ends.runs}"
        f" runs ended.{left}{pairs} Intervals are over the runs of each cell, by the bootstrap, at the level"
        f" {100 * (1 - ends.level):.2f} %, so that all of a table hold together at {100 * (1 - LEVEL):.0f} %; those"
        " without chance are bold."
    )
