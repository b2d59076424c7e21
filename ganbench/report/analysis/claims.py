"""What papers say, tested: *reproduced*, *contradicted* or *inconclusive*, with the effect, its interval, p and n."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ganbench.report.analysis.answerable import least_of_contrast, least_of_level
from ganbench.report.analysis.comparisons import LEVEL
from ganbench.report.analysis.pairs import FEW, Effect, detectable, effect, paired
from ganbench.report.analysis.rows import by, unmeasured, within
from ganbench.report.analysis.unpaired import unpaired, without
from ganbench.results.questions import RATES, Contrast
from ganbench.stats import Interval, holm, mean_interval, mean_tails, rate_gap_tails, rate_tails, wilson

if TYPE_CHECKING:
    from ganbench.report.analysis.pairs import PairedValues
    from ganbench.report.analysis.rows import RunRow
    from ganbench.results.questions import Claim, Level, Published

Answer = Literal["reproduced", "contradicted", "inconclusive"]


@dataclass(frozen=True)
class Beside:
    """A published number and ours."""

    published: Published
    ours: float | None


@dataclass(frozen=True)
class Verdict:
    """The answer to one claim on one dataset.

    `effect`: better minus worse over `n` pairs, or over the `n` runs of both sides where they are not paired, or the
    mean (a rate) over `n` runs. `p` is two-sided, `corrected` Holm's over all claims of the suite; both None where
    nothing could be tested. `detectable`: see `Comparison`; None too for claims about a value or about sameness.
    `notes`: what a reader must know: few seeds, pairs left out, what else differs.
    """

    claim: Claim
    dataset: str
    answer: Answer
    effect: Interval | None
    n: int
    seeds: int
    p: float | None = None
    corrected: float | None = None
    detectable: float | None = None
    beside: Mapping[str, Beside] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Test:
    """A claim's verdict before the correction, and whether it `holds`, should its p be small enough.

    `least`: the smallest p that so many runs could have given. `effect`: of a claim that one side is better.
    """

    verdict: Verdict
    holds: bool
    least: float = 0.0
    effect: Effect | None = None


def verdicts(found: Sequence[RunRow], claims: Sequence[Claim], better: Mapping[str, str]) -> tuple[Verdict, ...]:
    """Test every claim on each dataset that it is about, and correct over all. `better`: by metric, lower or higher."""
    tests = [test for claim in claims for test in _tests(found, claim, better)]
    tested = [test for test in tests if test.verdict.p is not None]
    adjusted = iter(holm([test.verdict.p for test in tested if test.verdict.p is not None]))
    return tuple(
        _decided(test, next(adjusted), len(tested)) if test.verdict.p is not None else test.verdict for test in tests
    )


def _decided(test: Test, corrected: float, family: int) -> Verdict:
    answer: Answer = "inconclusive"
    notes = test.verdict.notes
    if corrected < LEVEL and test.effect and test.effect.lost.side == (1 if test.holds else -1):
        notes = (*notes, "no answer from the runs that are left")
    elif corrected < LEVEL:
        answer = "reproduced" if test.holds else "contradicted"
    least = detectable(test.effect, test.verdict.claim.test.metric, LEVEL / family) if test.effect else None
    if test.least * family >= LEVEL and answer == "inconclusive":
        notes = (*notes, f"n = {test.verdict.n} can give no answer, whatever the runs")
    return replace(test.verdict, corrected=corrected, answer=answer, detectable=least, notes=notes)


def _tests(found: Sequence[RunRow], claim: Claim, better: Mapping[str, str]) -> list[Test]:
    """One test for each dataset on which the claim's metric is measured, or one that says that there is none."""
    meant = within(found, claim.where)
    metric = claim.test.metric
    datasets = {name: rows for (name,), rows in by(meant, ("dataset",)).items()}
    own = {name: rows for name, rows in datasets.items() if not unmeasured(rows, metric)}
    if not any(metric in row.numbers for rows in own.values() for row in rows):
        note = f"no finished run has {metric}" if meant else "no run of the suite is meant"
        return [Test(_empty(claim, ", ".join(map(str, claim.where.get("dataset", datasets))) or "–", note), False)]
    if isinstance(claim.test, Contrast):
        return [_contrast(rows, claim, name, better[metric]) for name, rows in own.items()]
    return [_level(rows, claim, name) for name, rows in own.items()]


def _empty(claim: Claim, dataset: str, note: str) -> Verdict:
    beside = {name: Beside(number, None) for name, number in claim.published.items()}
    return Verdict(claim, dataset, "inconclusive", None, 0, 0, beside=beside, notes=(note,))


def _contrast(rows: Sequence[RunRow], claim: Claim, dataset: str, better: str) -> Test:
    test: Any = claim.test
    sides = [[row for row in rows if row.columns[test.axis] == side] for side in (test.better, test.worse)]
    pairs = paired(sides[0], sides[1], test.axis, test.metric)
    found = effect(pairs, test.metric) if test.paired else unpaired(sides[0], sides[1], test.axis, test.metric)
    if found is None:
        left_out = pairs.left_out if test.paired else without([*sides[0], *sides[1]], test.metric)
        return Test(_empty(claim, dataset, _nothing(test, left_out)), False)
    if test.within is None:
        p = found.p if found.direction else 1.0
        holds = found.direction == (1 if better == "higher" else -1)
    else:
        p, holds = _same(pairs, test)
    ours = {"better": found.first, "worse": found.second}
    beside = {name: Beside(number, ours[name]) for name, number in claim.published.items()}
    verdict = Verdict(
        claim, dataset, "inconclusive", found.difference, found.n, found.seeds, p, beside=beside, notes=_notes(found)
    )
    return Test(verdict, holds, least_of_contrast(found, test), None if test.within else found)


def _same(pairs: PairedValues, test: Contrast) -> tuple[float, bool]:
    """p, and whether it speaks for two sides that differ by no more than a margin."""
    assert test.within is not None
    if test.metric not in RATES:
        return _between(pairs.differences, -test.within, test.within)
    only_first = sum(a > b for a, b in zip(pairs.first, pairs.second, strict=True))
    only_second = sum(a < b for a, b in zip(pairs.first, pairs.second, strict=True))
    low, high = (rate_gap_tails(only_first, only_second, len(pairs.first), gap) for gap in (-test.within, test.within))
    return _weighed([low[0], high[1]], [low[1], high[0]])


def _nothing(test: Contrast, left_out: Mapping[str, int]) -> str:
    """Why two sides can't be compared."""
    left = ", ".join(f"{count} {why}" for why, count in left_out.items())
    return f"{'no pair has' if test.paired else 'a side lacks'} {test.metric}{f' ({left})' if left else ''}"


def _unit(found: Effect) -> str:
    return "runs" if found.sizes else "pairs"


def _notes(found: Effect) -> tuple[str, ...]:
    notes = [f"{found.sizes[0]} runs against {found.sizes[1]}, unpaired"] if found.sizes else []
    notes += [f"fewer than {FEW} seeds"] if found.few else []
    notes += [f"{count} of {found.n + sum(found.left_out.values())} {_unit(found)} left out: {why}"
              for why, count in found.left_out.items()]  # fmt: skip
    notes += [f"{', '.join(found.varies)} differ too"] if found.varies else []
    notes += [str(found.lost)] if found.lost.side else []
    return tuple(notes)


def _level(rows: Sequence[RunRow], claim: Claim, dataset: str) -> Test:
    test: Any = claim.test
    known = [row for row in rows if test.metric in row.numbers]
    if not known:
        return Test(_empty(claim, dataset, f"no finished run has {test.metric}"), False)
    values = [row.numbers[test.metric] for row in known]
    rated = test.metric in RATES
    interval = wilson(round(sum(values)), len(values)) if rated else mean_interval(values)
    p, holds = _rate(values, test) if rated else _between(values, test.low, test.high)
    absent = Counter(row.status for row in rows if test.metric not in row.numbers)
    seeds = len({row.columns["seed"] for row in known})
    notes = [f"fewer than {FEW} seeds"] if seeds < FEW else []
    notes += [f"{count} of {len(rows)} runs left out: {why}" for why, count in absent.items()]
    beside = {name: Beside(number, interval.mean) for name, number in claim.published.items()}
    verdict = Verdict(
        claim, dataset, "inconclusive", interval, len(values), seeds, p, beside=beside, notes=tuple(notes)
    )
    return Test(verdict, holds, least_of_level(len(values), test))


def _between(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, bool]:
    """p, and whether it speaks for a mean between the bounds, bounds included: two one-sided tests for an interval."""
    above = None if low is None else mean_tails([value - low for value in values], 1)
    below = None if high is None else mean_tails([value - high for value in values], -1)
    return _weighed(
        [one for one in (above and above[0], below and below[1]) if one is not None],
        [one for one in (above and above[1], below and below[0]) if one is not None],
    )


def _rate(values: Sequence[float], test: Level) -> tuple[float, bool]:
    successes, n = round(sum(values)), len(values)
    above = None if test.low is None else rate_tails(successes, n, test.low)
    below = None if test.high is None else rate_tails(successes, n, test.high)
    return _weighed(
        [one for one in (above and above[0], below and below[1]) if one is not None],
        [one for one in (above and above[1], below and below[0]) if one is not None],
    )


def _weighed(for_it: Sequence[float], against: Sequence[float]) -> tuple[float, bool]:
    """Both bounds must hold; either may fail. The p of an interval needs no doubling (Schuirmann 1987)."""
    yes, no = max(for_it), min(against)
    holds = yes <= no
    p = (2 * yes if len(for_it) == 1 else yes) if holds else 2 * no
    return min(1.0, p), holds
