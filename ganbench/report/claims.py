"""What papers say, tested: *reproduced*, *contradicted* or *inconclusive*, with the effect, its interval, p and n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from ganbench.questions import RATES, Contrast
from ganbench.report.comparisons import LEVEL
from ganbench.report.pairs import FEW, Effect, detectable, effect, paired
from ganbench.report.rows import by, within
from ganbench.report.unpaired import unpaired, without
from ganbench.stats import Interval, holm, mean_interval, rate_tails, signed_rank, wilson

if TYPE_CHECKING:
    from ganbench.questions import Claim, Level, Published
    from ganbench.report.rows import Row

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
    mean (a rate) over `n` runs. `p` is two-sided, `corrected`
    Holm's over all claims of the suite; both None where nothing could be tested. `detectable`: see `Comparison`; None
    too for a claim about a value. `notes`: what a reader must know: few seeds, pairs left out, what else differs.
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
    """One-sided p-values for and against a claim, and the two-sided one that stands for the smaller."""

    verdict: Verdict
    holds: bool
    effect: Effect | None = None


def verdicts(found: Sequence[Row], claims: Sequence[Claim], better: Mapping[str, str]) -> tuple[Verdict, ...]:
    """Test every claim on each dataset that it is about, and correct over all. `better`: by metric, lower or higher."""
    tests = [test for claim in claims for test in _tests(found, claim, better)]
    tested = [test for test in tests if test.verdict.p is not None]
    adjusted = iter(holm([test.verdict.p for test in tested if test.verdict.p is not None]))
    return tuple(
        _decided(test, next(adjusted), len(tested)) if test.verdict.p is not None else test.verdict for test in tests
    )


def _decided(test: Test, corrected: float, family: int) -> Verdict:
    answer: Answer = "inconclusive"
    if corrected < LEVEL:
        answer = "reproduced" if test.holds else "contradicted"
    least = detectable(test.effect, test.verdict.claim.test.metric, LEVEL / family) if test.effect else None
    notes = test.verdict.notes
    if test.effect and least is None and answer == "inconclusive":
        notes = (*notes, f"{test.effect.n} {_unit(test.effect)} could show no difference, however large")
    return replace(test.verdict, corrected=corrected, answer=answer, detectable=least, notes=notes)


def _tests(found: Sequence[Row], claim: Claim, better: Mapping[str, str]) -> list[Test]:
    """One test for each dataset that has runs of the claim with the number, or one that says that there is none."""
    meant = within(found, claim.where)
    metric = claim.test.metric
    datasets = {name: rows for (name,), rows in by(meant, ("dataset",)).items()}
    own = {name: rows for name, rows in datasets.items() if any(metric in row.numbers for row in rows)}
    if not own:
        note = f"no finished run has {metric}" if meant else "no run of the suite is meant"
        return [Test(_empty(claim, ", ".join(map(str, claim.where.get("dataset", datasets))) or "–", note), False)]
    if isinstance(claim.test, Contrast):
        return [_contrast(rows, claim, name, better[metric]) for name, rows in own.items()]
    return [_level(rows, claim, name) for name, rows in own.items()]


def _empty(claim: Claim, dataset: str, note: str) -> Verdict:
    beside = {name: Beside(number, None) for name, number in claim.published.items()}
    return Verdict(claim, dataset, "inconclusive", None, 0, 0, beside=beside, notes=(note,))


def _contrast(rows: Sequence[Row], claim: Claim, dataset: str, better: str) -> Test:
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
        p, holds = _between(pairs.differences, -test.within, test.within)
    ours = {"better": found.first, "worse": found.second}
    beside = {name: Beside(number, ours[name]) for name, number in claim.published.items()}
    verdict = Verdict(
        claim, dataset, "inconclusive", found.difference, found.n, found.seeds, p, beside=beside, notes=_notes(found)
    )
    return Test(verdict, holds, found)


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
    return tuple(notes)


def _level(rows: Sequence[Row], claim: Claim, dataset: str) -> Test:
    test: Any = claim.test
    known = [row for row in rows if test.metric in row.numbers]
    values = [row.numbers[test.metric] for row in known]
    rated = test.metric in RATES
    interval = wilson(round(sum(values)), len(values)) if rated else mean_interval(values)
    p, holds = _rate(values, test) if rated else _between(values, test.low, test.high)
    absent: dict[str, int] = {}
    for row in rows:
        if test.metric not in row.numbers:
            absent[row.status] = absent.get(row.status, 0) + 1
    seeds = len({row.columns["seed"] for row in known})
    notes = [f"fewer than {FEW} seeds"] if seeds < FEW else []
    notes += [f"{count} of {len(rows)} runs left out: {why}" for why, count in absent.items()]
    beside = {name: Beside(number, interval.mean) for name, number in claim.published.items()}
    verdict = Verdict(
        claim, dataset, "inconclusive", interval, len(values), seeds, p, beside=beside, notes=tuple(notes)
    )
    return Test(verdict, holds)


def _between(values: Sequence[float], low: float | None, high: float | None) -> tuple[float, bool]:
    """p, and whether it speaks for values between the bounds: two one-sided signed-rank tests for an interval."""
    above = None if low is None else signed_rank([value - low for value in values])
    below = None if high is None else signed_rank([value - high for value in values])
    return _weighed(
        [one for one in (above.p_above if above else None, below.p_below if below else None) if one is not None],
        [one for one in (above.p_below if above else None, below.p_above if below else None) if one is not None],
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
