"""`ganbench report A B`: the second results against the first, cell by cell, for a reader or as a gate in CI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from ganbench.errors import RequestError
from ganbench.questions import RATES, Compare, from_json
from ganbench.report import markdown
from ganbench.report.comparisons import LEVEL, Comparison, family
from ganbench.report.fingerprints import require_one_fingerprint
from ganbench.report.layout import ABSENT, ARROWS, Grid, interval_text, number
from ganbench.report.pairs import detectable
from ganbench.report.rows import rows
from ganbench.report.trajectories import check_rule, per_run
from ganbench.stats import holm
from ganbench.table import Results

if TYPE_CHECKING:
    from ganbench.report.pairs import Effect

AXIS = "results"  # the column that tells the two sides
FORMATS = ("markdown", "json")


@dataclass(frozen=True)
class Difference:
    """The second minus the first in one metric and cell; corrected over all cells and metrics together."""

    metric: str
    direction: str  # what is better in the metric: lower | higher
    comparison: Comparison


@dataclass(frozen=True)
class Versus:
    """Two results side by side. `worse`: how many differences are significant and for the worse."""

    first: str
    second: str
    rule: str
    differences: tuple[Difference, ...]

    @property
    def worse(self) -> int:
        return sum(one.comparison.better is False for one in self.differences)

    @property
    def better(self) -> int:
        return sum(one.comparison.better is True for one in self.differences)


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
        (metric, one)
        for metric, better in judged.items()
        for one in family(found, Compare(axis=AXIS, metric=metric, baseline="first"), better).comparisons
    ]
    if not any(one.effect for _, one in raw):
        raise RequestError(
            " and ".join(names), "no run of one has its like in the other", "the same settings, seeds and metrics"
        )
    return Versus(*names, chosen, tuple(_corrected(raw, judged)))


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


def _corrected(raw: Sequence[tuple[str, Comparison]], judged: Mapping[str, str]) -> list[Difference]:
    tested = [one.effect for _, one in raw if one.effect]
    adjusted = iter(holm([one.p for one in tested]))
    found = []
    for metric, one in raw:
        if one.effect:
            p = next(adjusted)
            least = detectable(one.effect, metric, LEVEL / len(tested))
            one = replace(one, corrected=p, better=_wins(one.effect, p, judged[metric]), detectable=least)
        found.append(Difference(metric, judged[metric], one))
    return found


def _wins(effect: Effect, p: float, better: str) -> bool | None:
    if p >= LEVEL or not effect.direction:
        return None
    return effect.direction > 0 if better == "higher" else effect.direction < 0


def _grid(found: Versus) -> Grid:
    settings = list(dict.fromkeys(name for one in found.differences for name in one.comparison.setting))
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


def _row(one: Difference, settings: Sequence[str]) -> tuple[str, ...]:
    found, effect = one.comparison, one.comparison.effect
    names = (
        f"{one.metric} {ARROWS[one.direction]}",
        found.dataset,
        *(str(found.setting.get(s, ABSENT)) for s in settings),
    )
    if effect is None or found.corrected is None:
        return (*names, *(ABSENT,) * 6)
    verdict = {True: "better", False: "WORSE", None: ABSENT}[found.better]
    n = f"{effect.n}{'*' if effect.few else ''}"
    sides = (number(effect.second), number(effect.first))
    return (*names, *sides, interval_text(effect.difference), f"{found.corrected:.3f}", n, verdict)


def _items(fingerprint: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(fingerprint.items()))
