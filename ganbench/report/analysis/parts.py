"""The test of one part of a claim on one dataset: its effect, its p, and how many seeds would decide it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from ganbench.report.analysis.pairs import FEW, Effect, detectable, effect, paired
from ganbench.report.analysis.projection import Projection, of_contrast, of_level
from ganbench.report.analysis.unpaired import unpaired, without
from ganbench.report.text import also_different, too_few
from ganbench.results.questions import RATES, Contrast
from ganbench.results.selection import sides, within
from ganbench.stats import Interval, mean_between, mean_interval, rate_between, rate_gap_within, wilson

if TYPE_CHECKING:
    from ganbench.report.analysis.pairs import PairedValues
    from ganbench.report.analysis.rows import RunRow
    from ganbench.results.questions import Level, Part, Published

PartAnswer = Literal["holds", "contradicted", "open"]


@dataclass(frozen=True)
class Beside:
    """A published number and ours."""

    published: Published
    ours: float | None


@dataclass(frozen=True)
class PartResult:
    """What the runs say about a part of a claim.

    `effect`: of a contrast, by how much the better side is better, in the units of the metric, so that a positive one
    speaks for the claim. Of sameness, the first minus the second. Of a level, the mean or the rate. `n`: pairs, or runs
    (of both sides) where there are none. `p` is two-sided and not corrected, None if nothing could be tested.
    `detectable`: see `Comparison`; None for levels and for sameness.
    `agrees`: whether the effect speaks for the part, significant or not.
    `needed`: about how many seeds would decide an open part with a power of 0.8 if the effect stays as it is, None if
    it has no effect. `notes`: what a reader must know: few seeds, pairs left out, what else is different.
    """

    part: Part
    answer: PartAnswer = "open"
    agrees: bool = False
    effect: Interval | None = None
    n: int = 0
    seeds: int = 0
    p: float | None = None
    detectable: float | None = None
    needed: int | None = None
    beside: Mapping[str, Beside] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PartTest:
    """A part's result before any correction, and whether the part `holds` if its p is small enough.

    `gap`: the difference of two sides of which one is claimed to be better.
    """

    result: PartResult
    holds: bool = False
    gap: Effect | None = None
    projection: Projection | None = None

    @property
    def p_for(self) -> float:
        """p of the answer that the part holds; 1 if the runs speak against it or say nothing."""
        return self.result.p if self.holds and self.result.p is not None else 1.0

    @property
    def p_against(self) -> float:
        """p of the answer that the part is contradicted; 1 if the runs speak for it or say nothing."""
        return 1.0 if self.holds or self.result.p is None else self.result.p

    def decided(self, level: float, parts: int) -> PartResult:
        """The result at a level. `parts`: how many the claim has; each of them could contradict it."""
        found, notes = self.result, self.result.notes
        if found.p is None or self.projection is None:
            return found
        own = level if self.holds else level / parts
        answer: PartAnswer = "open"
        if found.p < own and self.gap and self.gap.lost.side == (1 if self.holds else -1):
            notes = (*notes, "left open: the better side diverged significantly more often")
        elif found.p < own:
            answer = "holds" if self.holds else "contradicted"
        elif self.projection.least(found.n) >= level:
            notes = (*notes, too_few(found.n, self.projection.unit))
        return replace(
            found,
            answer=answer,
            agrees=self.holds,
            notes=notes,
            detectable=detectable(self.gap, found.part.test.metric, level) if self.gap else None,
            needed=None if found.p < own else self.projection.seeds_needed(own),
        )


def test_part(rows: Sequence[RunRow], part: Part, better: Mapping[str, str]) -> PartTest:
    """Test a part on the runs of one dataset. `better`: by metric, whether a lower or a higher one is better."""
    test = part.test
    if isinstance(test, Contrast):
        return _contrast(rows, part, test, better[test.metric] == "higher")
    return _level(within(rows, part.where), part, test)


def untested(part: Part, note: str) -> PartTest:
    """A part that no run can answer, and why."""
    beside = {name: Beside(number, None) for name, number in part.published.items()}
    return PartTest(PartResult(part, beside=beside, notes=(note,)))


def _contrast(rows: Sequence[RunRow], part: Part, test: Contrast, higher: bool) -> PartTest:
    """`higher`: whether higher values of the metric are better."""
    first, second = sides(rows, part)
    pairs = paired(first, second, test.better, test.metric)
    gap = effect(pairs, test.metric) if test.paired else unpaired(first, second, test.better, test.metric)
    if gap is None:
        left_out = pairs.left_out if test.paired else without([*first, *second], test.metric)
        return untested(part, _nothing(test, left_out))
    if test.within is None:
        p, holds = gap.p if gap.direction else 1.0, gap.direction == (1 if higher else -1)
    else:
        p, holds = _same(pairs, test, test.within)
    ours = {"better": gap.first, "worse": gap.second}
    result = PartResult(
        part,
        effect=gap.difference if test.within or higher else _negative(gap.difference),
        n=gap.n,
        seeds=gap.seeds,
        p=p,
        beside={name: Beside(number, ours[name]) for name, number in part.published.items()},
        notes=_notes(gap),
    )
    return PartTest(result, holds, None if test.within else gap, of_contrast(gap, test))


def _negative(difference: Interval) -> Interval:
    """The same difference, second minus first."""
    low, high = (None if end is None else -end for end in (difference.high, difference.low))
    return replace(difference, mean=-difference.mean, low=low, high=high)


def _same(pairs: PairedValues, test: Contrast, margin: float) -> tuple[float, bool]:
    """p, and whether the two sides differ by no more than the margin."""
    if test.metric not in RATES:
        return mean_between(pairs.differences, -margin, margin)
    only_first = sum(a > b for a, b in zip(pairs.first, pairs.second, strict=True))
    only_second = sum(a < b for a, b in zip(pairs.first, pairs.second, strict=True))
    return rate_gap_within(only_first, only_second, len(pairs.first), margin)


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


def _level(rows: Sequence[RunRow], part: Part, test: Level) -> PartTest:
    known = [row for row in rows if test.metric in row.numbers]
    if not known:
        return untested(part, f"no finished run has {test.metric}")
    values = [row.numbers[test.metric] for row in known]
    rated = test.metric in RATES
    counts = round(sum(values)), len(values)
    interval = wilson(*counts) if rated else mean_interval(values)
    p, holds = rate_between(*counts, test.low, test.high) if rated else mean_between(values, test.low, test.high)
    absent = Counter(row.status for row in rows if test.metric not in row.numbers)
    seeds = len({row.columns["seed"] for row in known})
    notes = [f"fewer than {FEW} seeds"] if seeds < FEW else []
    notes += [f"{count} of {len(rows)} runs left out: {why}" for why, count in absent.items()]
    beside = {name: Beside(number, interval.mean) for name, number in part.published.items()}
    result = PartResult(part, effect=interval, n=len(values), seeds=seeds, p=p, beside=beside, notes=tuple(notes))
    return PartTest(result, holds, projection=of_level(interval, seeds, test))
