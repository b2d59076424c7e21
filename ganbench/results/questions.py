"""The questions of a suite: how runs ended, what to compare, and what papers claim.

`ganbench.suite` reads them from YAML, a suite's manifest keeps them as JSON, and the report answers them. Settings are
given by the values in a run's columns (`RunSpec.columns`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ganbench.stats.outcomes import TAIL, Better, Ending, Thresholds, good_marks, judge

Named = str | int  # a value of a column: a component's notation, or a number for batch, steps or seed
Where = Mapping[str, tuple[Named, ...]]  # column -> its values
Cell = Mapping[str, Named]  # column -> its value

RATES = {
    "stable": "higher",
    "collapsed": "lower",
    "never_good": "lower",
    "diverged": "lower",
}  # shares of the runs of a cell, and whether a lower or a higher one is better


Curve = Mapping[int, float]  # step -> a metric's value


@dataclass(frozen=True)
class Condition:
    """The thresholds that a metric must meet."""

    metric: str
    thresholds: Thresholds

    def marks(self, steps: Sequence[int], curve: Curve, better: Better) -> list[bool]:
        """Whether it is met at each mark; a mark without a value does not meet it."""
        return good_marks([curve.get(step) for step in steps], better, self.thresholds)


@dataclass(frozen=True, kw_only=True)
class OutcomeRule:
    """When a run is good and when it is diverse: at a mark where all of these conditions are met.

    `tail`: the share of the marks, at the end, that decides; see `ganbench.stats.outcomes.judge`. The rule of version
    0.1 said when a run is stable; its conditions are read as those of a good run, and none as those of a diverse one.
    """

    good: tuple[Condition, ...]
    diverse: tuple[Condition, ...] = ()
    tail: float = TAIL

    @property
    def metrics(self) -> set[str]:
        """The metrics that it judges by."""
        return {condition.metric for condition in (*self.good, *self.diverse)}

    def ending(
        self, status: str, steps: Sequence[int], curves: Mapping[str, Curve], better: Mapping[str, Better]
    ) -> Ending | None:
        """How a run ended; None for a run that is neither done nor diverged. `curves`, `better`: by metric."""
        if status not in ("done", "diverged"):
            return None
        if status == "diverged":
            return Ending("diverged")
        good, diverse = (
            _all_met([one.marks(steps, curves.get(one.metric, {}), better[one.metric]) for one in conditions], steps)
            for conditions in (self.good, self.diverse)
        )
        return judge(steps, good, diverse, self.tail)


def _all_met(marks: Sequence[Sequence[bool]], steps: Sequence[int]) -> list[bool]:
    """Whether all conditions are met at each mark."""
    return [all(met) for met in zip(*marks, strict=True)] if marks else [True] * len(steps)


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
    """All questions of a suite. `outcome`: by the notation of a dataset, the rule that says how a run ended.

    `differs`: sentences, one for each way in which the suite's training differs from that of the paper it cites.
    `foretell`: the share of the steps after which metrics are asked how well they foretell the ends of runs.
    """

    outcome: Mapping[str, OutcomeRule] = field(default_factory=dict)
    compare: tuple[Compare, ...] = ()
    claims: tuple[Claim, ...] = ()
    differs: tuple[str, ...] = ()
    foretell: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The sections `outcome`, `compare`, `claims`, `differs` and `foretell` of a manifest."""
        return asdict(self)


def from_json(manifest: Mapping[str, Any]) -> Questions:
    """The questions in a manifest, or none if it has none."""
    outcome = manifest.get("outcome") or {}
    return Questions(
        outcome={dataset: _outcome_rule(body) for dataset, body in outcome.items()},
        compare=tuple(Compare(**{**body, "where": _where(body["where"])}) for body in manifest.get("compare") or ()),
        claims=tuple(_claim(body) for body in manifest.get("claims") or ()),
        differs=tuple(manifest.get("differs") or ()),
        foretell=manifest.get("foretell"),
    )


def _outcome_rule(body: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> OutcomeRule:
    """A list is the rule of version 0.1: conditions of a stable run, each with its own tail, of which one counts."""
    if isinstance(body, Mapping):
        return OutcomeRule(good=_conditions(body["good"]), diverse=_conditions(body["diverse"]), tail=body["tail"])
    good = [{"metric": old["metric"], "thresholds": {**old["rule"]}} for old in body]
    tails = [condition["thresholds"].pop("tail", TAIL) for condition in good]
    return OutcomeRule(good=_conditions(good), tail=max(tails, default=TAIL))


def _conditions(bodies: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    return tuple(Condition(body["metric"], Thresholds(**body["thresholds"])) for body in bodies)


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
