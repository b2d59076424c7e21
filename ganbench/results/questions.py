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
    """A claim about two values of one axis.

    Without `within`, `better` is better than `worse` by `metric`. With `within`, the two differ by less than that, in
    the units of the metric.
    `paired`: runs are paired by seed and by all other columns. Otherwise all runs of one side are compared with all
    runs of the other, as for networks of different kinds, whose settings have no pairs; `within` is then not possible.
    """

    axis: str
    metric: str
    better: Named
    worse: Named
    within: float | None = None
    paired: bool = True


@dataclass(frozen=True, kw_only=True)
class Level:
    """A claim that a mean over seeds, or a rate of `RATES`, is at least `low` and at most `high`."""

    metric: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Published:
    """A number in a paper, with the error that the paper gives after the plus-minus sign."""

    value: float
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of a paper as a test of this suite's runs. `published` has `value`, or `better` and `worse`."""

    says: str
    source: str
    test: Contrast | Level
    where: Where = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Questions:
    """All questions of a suite. `outcome`: by the notation of a dataset, the conditions that a stable run meets."""

    outcome: Mapping[str, tuple[Condition, ...]] = field(default_factory=dict)
    compare: tuple[Compare, ...] = ()
    claims: tuple[Claim, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The sections `outcome`, `compare` and `claims` of a manifest."""
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
    )


def _claim(body: Mapping[str, Any]) -> Claim:
    test = body["test"]
    return Claim(
        says=body["says"],
        source=body["source"],
        test=Contrast(**test) if "axis" in test else Level(**test),
        where=_where(body["where"]),
        published={name: Published(**number) for name, number in body["published"].items()},
    )


def _where(body: Mapping[str, Any]) -> Where:
    return {column: tuple(values) for column, values in body.items()}
