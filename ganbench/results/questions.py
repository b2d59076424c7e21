"""The questions of a suite: when a run is stable, what to compare, and what papers claim.

`ganbench.suite` reads them from YAML, a suite's manifest keeps them as JSON, and the report answers them. Settings are
given by the values in a run's columns (`RunSpec.columns`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ganbench.stats.outcomes import StabilityRule

Named = str | int  # a value of a column: a component's notation, or a number for batch, steps or seed
Where = Mapping[str, tuple[Named, ...]]  # column -> its values
Cell = Mapping[str, Named]  # column -> its value

RATES = {
    "stable": "higher",
    "collapsed": "lower",
    "diverged": "lower",
}  # shares of the runs of a cell, and whether a lower or a higher one is better


@dataclass(frozen=True)
class Condition:
    """The rule that a metric must meet for a run to be stable; see `ganbench.stats.outcomes.collapse`."""

    metric: str
    rule: StabilityRule


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Every value of `axis` against `baseline`, paired by seed and by all other columns, within `where`.

    `pooled`: over all settings of the other columns together, otherwise in each setting. Datasets are never pooled.
    """

    axis: str
    metric: str
    baseline: Named
    where: Where = field(default_factory=dict)
    pooled: bool = False


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A statement about two cells, which differ in the columns that `better` and `worse` name.

    Without `within`, `better` is better than `worse` by `metric`. With `within`, the two differ by less than that, in
    the units of the metric.
    `paired`: runs are paired by seed and by all other columns. Otherwise all runs of one side are compared with all
    runs of the other, as for networks of different kinds, whose settings have no pairs; `within` is then not possible.
    """

    metric: str
    better: Cell
    worse: Cell
    within: float | None = None
    paired: bool = True


@dataclass(frozen=True, kw_only=True)
class Level:
    """A statement that a mean over seeds, or a rate of `RATES`, is at least `low` and at most `high`."""

    metric: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Published:
    """A number in a paper, with the error that the paper gives after the plus-minus sign."""

    value: float
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """One statement of a claim, as a test of the runs of `where`.

    `published`: what the paper gives in the same metric: `value` of a level, `better` and `worse` of a contrast.
    """

    test: Contrast | Level
    where: Where = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)

    @property
    def published_effect(self) -> float | None:
        """The published value of a level, or better minus worse; None if the paper gives no such number."""
        if "value" in self.published:
            return self.published["value"].value
        if not {"better", "worse"} <= set(self.published):
            return None
        return self.published["better"].value - self.published["worse"].value


@dataclass(frozen=True)
class Surrogate:
    """The data on which a claim is tested (`digits`) in place of the paper's (`LSUN bedrooms`)."""

    used: str
    original: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a paper says, as tests of this suite's runs. It is true if all of its parts are.

    `unanswerable`: why the suite keeps a claim that its seeds cannot answer; empty for every other claim.
    """

    says: str
    source: str
    parts: tuple[Part, ...]
    surrogate: Surrogate | None = None
    unanswerable: str = ""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """All questions of a suite. `outcome`: by the notation of a dataset, the conditions that a stable run meets.

    `differs`: sentences, one for each way in which the suite's training differs from that of the paper it cites.
    """

    outcome: Mapping[str, tuple[Condition, ...]] = field(default_factory=dict)
    compare: tuple[Compare, ...] = ()
    claims: tuple[Claim, ...] = ()
    differs: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The sections `outcome`, `compare`, `claims` and `differs` of a manifest."""
        return asdict(self)


def from_json(manifest: Mapping[str, Any]) -> Questions:
    """The questions in a manifest, or none if it has none."""
    outcome = manifest.get("outcome") or {}
    return Questions(
        outcome={
            dataset: tuple(Condition(body["metric"], StabilityRule(**body["rule"])) for body in conditions)
            for dataset, conditions in outcome.items()
        },
        compare=tuple(Compare(**{**body, "where": _where(body["where"])}) for body in manifest.get("compare") or ()),
        claims=tuple(_claim(body) for body in manifest.get("claims") or ()),
        differs=tuple(manifest.get("differs") or ()),
    )


def _claim(body: Mapping[str, Any]) -> Claim:
    """A claim. In a manifest of format 1 the test of its only part is in the claim itself."""
    surrogate = body.get("surrogate")
    return Claim(
        says=body["says"],
        source=body["source"],
        parts=tuple(map(_part, body.get("parts", (body,)))),
        surrogate=Surrogate(**surrogate) if surrogate else None,
        unanswerable=body.get("unanswerable", ""),
    )


def _part(body: Mapping[str, Any]) -> Part:
    return Part(
        test=_test(body["test"]),
        where=_where(body["where"]),
        published={name: Published(**number) for name, number in body["published"].items()},
    )


def _test(body: Mapping[str, Any]) -> Contrast | Level:
    """A test. In a manifest of format 1 the two sides are values of one `axis`."""
    if "better" not in body:
        return Level(**body)
    if "axis" not in body:
        return Contrast(**body)
    axis, rest = body["axis"], {name: value for name, value in body.items() if name != "axis"}
    return Contrast(**{**rest, "better": {axis: body["better"]}, "worse": {axis: body["worse"]}})


def _where(body: Mapping[str, Any]) -> Where:
    return {column: tuple(values) for column, values in body.items()}
