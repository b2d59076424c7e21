"""What a suite asks of its results, as data: when a run is stable, what to compare, and what papers claim.

`ganbench.suite` reads them from YAML, a suite's manifest keeps them as JSON, the report answers them. Settings are
named by the values of a run's columns (`RunSpec.columns`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ganbench.stats.outcomes import Rule

Named = str | int  # a column's value: a component's notation, or a number of batch, steps or seed
Where = Mapping[str, tuple[Named, ...]]  # column -> the values that are meant

RATES = {"stable": "higher", "collapsed": "lower", "diverged": "lower"}  # shares of a cell's runs, and what is better


@dataclass(frozen=True)
class Condition:
    """What one metric must hold for a run to be stable; see `ganbench.stats.outcomes.collapse`."""

    metric: str
    rule: Rule


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Every value of `axis` against `baseline`, paired by seed and by all other columns, within `where`.

    `pooled`: over all settings of the other columns at once, else each setting by itself. Datasets are never pooled.
    """

    axis: str
    metric: str
    baseline: Named
    where: Where = field(default_factory=dict)
    pooled: bool = False


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A claim about two values of one axis. Without `within`, `better` is the better one by `metric`; with it, the two
    are the same to within that difference, in the metric's units.

    `paired`: by seed and by all other columns; else all runs of one against all of the other, as for networks of
    different kinds, whose settings have no partners. Without pairs there is no `within`.
    """

    axis: str
    metric: str
    better: Named
    worse: Named
    within: float | None = None
    paired: bool = True


@dataclass(frozen=True, kw_only=True)
class Level:
    """A claim about a mean over seeds, or a rate of `RATES`: it is at least `low` and at most `high`."""

    metric: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Published:
    """A number as a paper gives it, with what it gives after the plus-minus sign."""

    value: float
    error: float | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a paper says, as a test of this suite's runs. `published` holds `value`, or `better` and `worse`."""

    says: str
    source: str
    test: Contrast | Level
    where: Where = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Questions:
    """All that a suite asks; `outcome` by the notation of a dataset, every condition of which a stable run meets."""

    outcome: Mapping[str, tuple[Condition, ...]] = field(default_factory=dict)
    compare: tuple[Compare, ...] = ()
    claims: tuple[Claim, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The sections `outcome`, `compare` and `claims` of a manifest."""
        return asdict(self)


def from_json(manifest: Mapping[str, Any]) -> Questions:
    """The questions of a manifest; one without them asks nothing."""
    outcome = manifest.get("outcome") or {}
    return Questions(
        outcome={
            dataset: tuple(Condition(one["metric"], Rule(**one["rule"])) for one in conditions)
            for dataset, conditions in outcome.items()
        },
        compare=tuple(Compare(**{**one, "where": _where(one["where"])}) for one in manifest.get("compare") or ()),
        claims=tuple(_claim(one) for one in manifest.get("claims") or ()),
    )


def _claim(body: Mapping[str, Any]) -> Claim:
    test = body["test"]
    return Claim(
        says=body["says"],
        source=body["source"],
        test=Contrast(**test) if "axis" in test else Level(**test),
        where=_where(body["where"]),
        published={name: Published(**one) for name, one in body["published"].items()},
    )


def _where(body: Mapping[str, Any]) -> Where:
    return {column: tuple(values) for column, values in body.items()}
