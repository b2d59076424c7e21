"""Tests of what papers claim: *reproduced*, *contradicted* or *inconclusive*, with effect, interval, p and n."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import comb
from typing import TYPE_CHECKING, Literal

from ganbench.report.analysis.pairs import FEW, Effect, detectable, effect, paired
from ganbench.report.analysis.rows import by, unmeasured, within
from ganbench.report.analysis.unpaired import unpaired, without
from ganbench.report.text import also_different, too_few
from ganbench.results.questions import RATES, Contrast
from ganbench.stats import (
    LEVEL,
    Interval,
    fisher,
    holm,
    mcnemar,
    mean_interval,
    mean_tails,
    rate_gap_tails,
    rate_tails,
    wilson,
)

if TYPE_CHECKING:
    from ganbench.report.analysis.pairs import PairedValues
    from ganbench.report.analysis.rows import RunRow
    from ganbench.results.questions import Claim, Level, Published

    Tails = tuple[float, float]  # one-sided p-values: that something is above a bound, and that it is below

Answer = Literal["reproduced", "contradicted", "inconclusive"]


@dataclass(frozen=True)
class Beside:
    """A published number and ours."""

    published: Published
    ours: float | None


@dataclass(frozen=True)
class Verdict:
    """The answer to a claim on one dataset.

    `effect`: better minus worse over `n` pairs, or over the `n` runs of both sides if they are not paired, or the mean
    (a rate) over `n` runs. `p` is two-sided, and `corrected` is Holm's over all claims of the suite; both are None if
    nothing could be tested. `detectable`: see `Comparison`; also None for claims about a value or about sameness.
    `notes`: what a reader must know: few seeds, pairs left out, what else is different.
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
    """A claim's verdict before the correction, and whether the claim `holds` if its p is small enough.

    `least`: the smallest p that so many runs could have given, whatever their numbers. `effect`: of a claim that one
    side is better.
    """

    verdict: Verdict
    holds: bool
    least: float = 0.0
    effect: Effect | None = None


def verdicts(rows: Sequence[RunRow], claims: Sequence[Claim], better: Mapping[str, str]) -> tuple[Verdict, ...]:
    """Test every claim on each dataset that it is about, and correct over all. `better`: by metric, lower or higher."""
    tests = [test for claim in claims for test in _tests(rows, claim, better)]
    p_values = [test.verdict.p for test in tests if test.verdict.p is not None]
    adjusted = iter(holm(p_values))
    return tuple(
        _decided(test, next(adjusted), len(p_values)) if test.verdict.p is not None else test.verdict for test in tests
    )


def _decided(test: Test, corrected: float, family: int) -> Verdict:
    answer: Answer = "inconclusive"
    notes, claimed = test.verdict.notes, test.verdict.claim.test
    if corrected < LEVEL and test.effect and test.effect.lost.side == (1 if test.holds else -1):
        notes = (*notes, "no answer: the better side diverged significantly more often")
    elif corrected < LEVEL:
        answer = "reproduced" if test.holds else "contradicted"
    least = detectable(test.effect, claimed.metric, LEVEL / family) if test.effect else None
    if test.least * family >= LEVEL and answer == "inconclusive":
        unit = "pair" if isinstance(claimed, Contrast) and claimed.paired else "run"
        notes = (*notes, too_few(test.verdict.n, unit))
    return replace(test.verdict, corrected=corrected, answer=answer, detectable=least, notes=notes)


def _tests(rows: Sequence[RunRow], claim: Claim, better: Mapping[str, str]) -> list[Test]:
    """A test for each dataset on which the claim's metric is measured, or a single one that says that there is none."""
    matching = within(rows, claim.where)
    test = claim.test
    datasets = {str(name): group for (name,), group in by(matching, ("dataset",)).items()}
    measured = {name: group for name, group in datasets.items() if not unmeasured(group, test.metric)}
    if not any(test.metric in row.numbers for group in measured.values() for row in group):
        note = f"no finished run has {test.metric}" if matching else "no run of the suite matches"
        return [Test(_empty(claim, ", ".join(map(str, claim.where.get("dataset", datasets))) or "–", note), False)]
    if isinstance(test, Contrast):
        higher = better[test.metric] == "higher"
        return [_contrast(group, claim, test, name, higher) for name, group in measured.items()]
    return [_level(group, claim, test, name) for name, group in measured.items()]


def _empty(claim: Claim, dataset: str, note: str) -> Verdict:
    beside = {name: Beside(number, None) for name, number in claim.published.items()}
    return Verdict(claim, dataset, "inconclusive", None, 0, 0, beside=beside, notes=(note,))


def _contrast(rows: Sequence[RunRow], claim: Claim, test: Contrast, dataset: str, higher: bool) -> Test:
    """`higher`: whether higher values of the metric are better."""
    sides = [[row for row in rows if row.columns[test.axis] == side] for side in (test.better, test.worse)]
    pairs = paired(sides[0], sides[1], test.axis, test.metric)
    gap = effect(pairs, test.metric) if test.paired else unpaired(sides[0], sides[1], test.axis, test.metric)
    if gap is None:
        left_out = pairs.left_out if test.paired else without([*sides[0], *sides[1]], test.metric)
        return Test(_empty(claim, dataset, _nothing(test, left_out)), False)
    if test.within is None:
        p, holds = gap.p if gap.direction else 1.0, gap.direction == (1 if higher else -1)
    else:
        p, holds = _same(pairs, test, test.within)
    ours = {"better": gap.first, "worse": gap.second}
    beside = {name: Beside(number, ours[name]) for name, number in claim.published.items()}
    verdict = Verdict(
        claim, dataset, "inconclusive", gap.difference, gap.n, gap.seeds, p, beside=beside, notes=_notes(gap)
    )
    return Test(verdict, holds, _least_of_contrast(gap, test), None if test.within else gap)


def _same(pairs: PairedValues, test: Contrast, margin: float) -> tuple[float, bool]:
    """p, and whether the two sides differ by no more than the margin."""
    if test.metric not in RATES:
        return _between(pairs.differences, -margin, margin)
    only_first = sum(a > b for a, b in zip(pairs.first, pairs.second, strict=True))
    only_second = sum(a < b for a, b in zip(pairs.first, pairs.second, strict=True))
    low, high = (rate_gap_tails(only_first, only_second, len(pairs.first), gap) for gap in (-margin, margin))
    return _p_between(low, high)


def _nothing(test: Contrast, left_out: Mapping[str, int]) -> str:
    """Why two sides can't be compared."""
    reasons = ", ".join(f"{count} {why}" for why, count in left_out.items())
    return f"{'no pair has' if test.paired else 'one side lacks'} {test.metric}{f' ({reasons})' if reasons else ''}"


def _notes(effect: Effect) -> tuple[str, ...]:
    unit, total = "runs" if effect.sizes else "pairs", effect.n + sum(effect.left_out.values())
    notes = [f"{effect.sizes[0]} runs against {effect.sizes[1]}, unpaired"] if effect.sizes else []
    notes += [f"fewer than {FEW} seeds"] if effect.few else []
    notes += [f"{count} of {total} {unit} left out: {why}" for why, count in effect.left_out.items()]
    notes += [also_different(effect.varies)] if effect.varies else []
    notes += [str(effect.lost)] if effect.lost.side else []
    return tuple(notes)


def _level(rows: Sequence[RunRow], claim: Claim, test: Level, dataset: str) -> Test:
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
    return Test(verdict, holds, _least_of_level(len(values), test))


def _between(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, bool]:
    """p, and whether a mean is between the bounds, bounds included: two one-sided tests for an interval."""
    above = None if low is None else mean_tails([value - low for value in values], 1)
    below = None if high is None else mean_tails([value - high for value in values], -1)
    return _p_between(above, below)


def _rate(values: Sequence[float], test: Level) -> tuple[float, bool]:
    successes, n = round(sum(values)), len(values)
    above = None if test.low is None else rate_tails(successes, n, test.low)
    below = None if test.high is None else rate_tails(successes, n, test.high)
    return _p_between(above, below)


def _p_between(at_low: Tails | None, at_high: Tails | None) -> tuple[float, bool]:
    """p, and whether both bounds hold, from the tails at each bound that there is.

    Both bounds must hold; either may fail. The p of an interval is not doubled (Schuirmann 1987).
    """
    holding = [*([at_low[0]] if at_low else []), *([at_high[1]] if at_high else [])]
    failing = [*([at_low[1]] if at_low else []), *([at_high[0]] if at_high else [])]
    yes, no = max(holding), min(failing)
    holds = yes <= no
    p = (2 * yes if len(holding) == 1 else yes) if holds else 2 * no
    return min(1.0, p), holds


def _least_of_contrast(effect: Effect, test: Contrast) -> float:
    """The smallest p: every pair, or every run of a side, speaks for the same answer."""
    if effect.sizes:
        first, second = effect.sizes
        return 2 * (fisher((first, first), (0, second))[0] if test.metric in RATES else 1 / comb(effect.n, first))
    if test.within is None:
        return mcnemar(effect.n, 0) if test.metric in RATES else 2.0 ** (1 - effect.n)
    return rate_gap_tails(0, 0, effect.n, test.within)[1] if test.metric in RATES else 2.0**-effect.n


def _least_of_level(n: int, test: Level) -> float:
    """The smallest p: every run is on the same side of a bound, or between two bounds."""
    bounds = [bound for bound in (test.low, test.high) if bound is not None]
    if test.metric not in RATES:
        return 2.0 ** (1 - n if len(bounds) == 1 else -n)
    return 2 * min(tail for bound in bounds for successes in (0, n) for tail in rate_tails(successes, n, bound))
