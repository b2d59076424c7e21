"""`ganbench report A B`: the second results against the first, cell by cell, for a reader or as a gate in CI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from ganbench.errors import RequestError
from ganbench.questions import RATES, Compare, from_json
from ganbench.report import markdown
from ganbench.report.comparisons import Comparison, compared, corrected
from ganbench.report.fingerprints import require_one_fingerprint
from ganbench.report.layout import ABSENT, ARROWS, Grid, interval_text, number
from ganbench.report.rows import rows
from ganbench.report.trajectories import check_rule, per_run
from ganbench.table import Results

AXIS = "results"  # the column that tells the two sides
FORMATS = ("markdown", "json")


@dataclass(frozen=True)
class Versus:
    """Two results side by side: the second minus the first in every metric and cell, corrected over all together.

    `worse`: how many differences are significant and for the worse.
    """

    first: str
    second: str
    rule: str
    differences: tuple[Comparison, ...]

    @property
    def worse(self) -> int:
        return sum(one.better is False for one in self.differences)

    @property
    def better(self) -> int:
        return sum(one.better is True for one in self.differences)


def versus(sides: tuple[Results, Results], names: tuple[str, str], rule: str | None) -> Versus:
    """Compare two results, paired by seed and setting; `rule` None is the first one's own. `names`: for the reader.

    Raises `RequestError` for two ways of measuring in one metric, and where nothing is in common.
    """
    first, second = sides
    both = merged(first, second)
    require_one_fingerprint(both)
    metrics = {name: body["better"] for name, body in both.manifest["metrics"].items() if body["better"] != "neither"}
    chosen = check_rule(rule or first.manifest["select"], list(metrics))
    found = rows(both, per_run(both, chosen), from_json(first.manifest).outcome)
    judged = metrics | {name: better for name, better in RATES.items() if any(name in row.numbers for row in found)}
    raw = [
        one
        for metric, better in judged.items()
        for one in compared(found, Compare(axis=AXIS, metric=metric, baseline="first"), better)
    ]
    if not any(one.effect for one in raw):
        raise RequestError(
            " and ".join(names), "no run of one has its like in the other", "the same settings, seeds and metrics"
        )
    return Versus(*names, chosen, corrected(raw))


def merged(first: Results, second: Results) -> Results:
    """Both as one, told apart by the column `results`; a run's id begins with its side."""
    sides = {"first": first, "second": second}
    prints = tuple(
        dict(items) for items in dict.fromkeys(_items(one) for side in sides.values() for one in side.fingerprints)
    )
    place = {_items(one): at for at, one in enumerate(prints)}
    runs, scores, marks = [], [], dict[str, tuple[int, ...]]()
    for name, side in sides.items():
        runs.append(side.runs.assign(run_id=[f"{name}:{run}" for run in side.runs["run_id"]], **{AXIS: name}))
        known = [place[_items(side.fingerprints[at])] for at in side.scores["fingerprint"]]
        ids = [f"{name}:{run}" for run in side.scores["run_id"]]
        scores.append(side.scores.assign(run_id=ids, fingerprint=known))
        marks |= {f"{name}:{run}": steps for run, steps in side.marks.items()}
    metrics = {k: v for k, v in first.manifest["metrics"].items() if k in second.manifest["metrics"]}
    return replace(
        first,
        manifest=first.manifest | {"metrics": metrics},
        marks=marks,
        runs=pd.concat(runs, ignore_index=True),
        scores=pd.concat([one[one["metric"].isin(metrics)] for one in scores], ignore_index=True),
        fingerprints=tuple(map(dict, prints)),
    )


def draw(found: Versus, format: str) -> str:
    """As markdown or JSON, without a newline at its end."""
    if format not in FORMATS:
        raise RequestError("--format", f"no comparison as {format!r}", f"allowed: {', '.join(FORMATS)}")
    if format == "json":
        return json.dumps(asdict(found) | {"worse": found.worse, "better": found.better}, indent=1, allow_nan=False)
    head = f"# {found.second} against {found.first}"
    counts = (
        f"{len(found.differences)} differences: {found.better} better, {found.worse} worse, the others not told apart."
    )
    grid = _grid(found)
    return "\n\n".join([head, counts, markdown.table(grid), grid.note])


def _grid(found: Versus) -> Grid:
    settings = list(dict.fromkeys(name for one in found.differences for name in one.setting))
    header = (
        "metric",
        "dataset",
        *settings,
        found.first,
        found.second,
        "difference [95 %]",
        "p (Holm)",
        "n",
        "verdict",
    )
    table = tuple(_row(one, settings) for one in found.differences)
    note = (
        f"Rule {found.rule}. Second minus first, paired by seed and setting: Wilcoxon's signed-rank test, or McNemar's"
        " for a rate; p is corrected over the whole table. * fewer than 5 seeds."
    )
    return Grid("differences", "differences", header, table, 2 + len(settings), note)


def _row(one: Comparison, settings: Sequence[str]) -> tuple[str, ...]:
    effect = one.effect
    settled = (str(one.setting.get(name, ABSENT)) for name in settings)
    names = (f"{one.metric} {ARROWS[one.direction]}", one.dataset, *settled)
    if effect is None or one.corrected is None:
        return (*names, *(ABSENT,) * 6)
    verdict = {True: "better", False: "WORSE", None: ABSENT}[one.better]
    n = f"{effect.n}{'*' if effect.few else ''}"
    sides = (number(effect.second), number(effect.first))
    return (*names, *sides, interval_text(effect.difference), f"{one.corrected:.3f}", n, verdict)


def _items(fingerprint: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(fingerprint.items()))
