"""The tests that a suite's claims will have, from its runs alone: which can be answered, and with how many seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ganbench.results.questions import RATES, Contrast
from ganbench.results.selection import by, partners, shared, sides, within
from ganbench.stats import (
    Design,
    MeanInside,
    PairedMeans,
    PairedRates,
    RateInside,
    UnpairedMeans,
    UnpairedRates,
    look_corrected,
    spending,
)

if TYPE_CHECKING:
    from ganbench.results.manifest import Columns
    from ganbench.results.questions import Claim, Level, Part

MOST_SEEDS = 200  # of a cell; a claim that needs more cannot be answered in practice


@dataclass(frozen=True)
class PlannedRun:
    """A run's columns, and the metrics and rates that it will have unless it fails."""

    columns: Columns
    metrics: frozenset[str]


@dataclass(frozen=True)
class PlannedPart:
    """A part of a claim and its number of pairs or runs, or those of both sides; none if no run has the metric."""

    part: Part
    sizes: tuple[int, ...] = ()

    @cached_property
    def design(self) -> Design | None:
        """The test that will answer the part."""
        return design(self.part.test, self.sizes) if all(self.sizes) and self.sizes else None

    def scaled(self, now: int, seeds: int) -> PlannedPart:
        """The same with another number of seeds."""
        return replace(self, sizes=tuple(size * seeds // now for size in self.sizes))


@dataclass(frozen=True)
class PlannedTest:
    """The test of a claim, given by its place in the suite, on a dataset; `seeds` of each cell."""

    place: int
    dataset: str
    parts: tuple[PlannedPart, ...]

    @property
    def least(self) -> float:
        """The smallest p that the claim's test can have, whatever the runs show; see `ClaimTest` in the report."""
        found = [part.design.least if part.design else (1.0, 1.0) for part in self.parts]
        reproduced, contradicted = max(least[0] for least in found), min(least[1] for least in found)
        return min(1.0, reproduced, len(found) * contradicted)


@dataclass(frozen=True)
class PlannedClaims:
    """The tests of all claims of a suite at each look. `seeds`: of each cell at each look; without looks, all seeds."""

    claims: tuple[Claim, ...]
    seeds: tuple[int, ...]
    tests: tuple[tuple[PlannedTest, ...], ...]

    @property
    def answerable(self) -> tuple[tuple[bool, ...], ...]:
        """By look: whether each test, or an earlier look's, can be significant if all claims are as clear as can be.

        No p of the runs is smaller than the least one, and Holm's adjusted p-values rise with every p.
        """
        possible, by_look = [False] * len(self.tests[-1]), []
        for tests, share in zip(self.tests, spending(self.seeds), strict=True):
            corrected = look_corrected([test.least for test in tests], possible)
            possible = [before or p < share for before, p in zip(possible, corrected, strict=True)]
            by_look.append(tuple(possible))
        return tuple(by_look)

    @property
    def levels(self) -> tuple[float, ...]:
        """By look: the level that a part has if no other claim is answered."""
        return tuple(share / max(1, len(self.tests[-1])) for share in spending(self.seeds))

    def never_answered(self) -> list[tuple[PlannedTest, int | None]]:
        """The tests that no outcome of the runs could answer, and how many seeds would do; None if too many."""
        pairs = zip(self.tests[-1], self.answerable[-1], strict=True)
        return [(test, self._seeds_that_do(place)) for place, (test, can_be) in enumerate(pairs) if not can_be]

    def _seeds_that_do(self, place: int) -> int | None:
        now = self.seeds[-1]
        for seeds in range(now + 1, MOST_SEEDS + 1):
            tests = tuple(replace(test, parts=tuple(part.scaled(now, seeds) for part in test.parts))
                          for test in self.tests[-1])  # fmt: skip
            later = PlannedClaims(self.claims, (*self.seeds[:-1], seeds), (*self.tests[:-1], tests))
            if later.answerable[-1][place]:
                return seeds
        return None


def design(test: Contrast | Level, sizes: Sequence[int]) -> Design:
    """The design of a part's test. `sizes`: the number of pairs or runs, or those of both sides."""
    rated = test.metric in RATES
    if not isinstance(test, Contrast):
        two_sided = test.low is not None and test.high is not None
        return RateInside(sizes[0], test.low, test.high) if rated else MeanInside(sizes[0], two_sided)
    if not test.paired:
        both = sizes[0], sizes[1]
        return UnpairedRates(both) if rated else UnpairedMeans(both)
    if rated:
        return PairedRates(sizes[0], test.within)
    return PairedMeans(sizes[0]) if test.within is None else MeanInside(sizes[0], two_sided=True)


def planned_tests(runs: Sequence[PlannedRun], claims: Sequence[Claim]) -> tuple[PlannedTest, ...]:
    """A test of each claim on each dataset on which every part is measured, or a single one that has no runs."""
    return tuple(test for place, claim in enumerate(claims) for test in _tests(runs, place, claim))


def _tests(runs: Sequence[PlannedRun], place: int, claim: Claim) -> list[PlannedTest]:
    tests = []
    for (dataset,), group in by(runs, ("dataset",)).items():
        groups = [within(group, part.where) for part in claim.parts]
        lacking = [rows and not _measured(rows, part) for part, rows in zip(claim.parts, groups, strict=True)]
        if any(groups) and not any(lacking):
            parts = tuple(PlannedPart(part, _sizes(group, part)) for part in claim.parts)
            tests.append(PlannedTest(place, str(dataset), parts))
    return tests or [PlannedTest(place, "–", tuple(map(PlannedPart, claim.parts)))]


def _measured(runs: Sequence[PlannedRun], part: Part) -> list[PlannedRun]:
    return [run for run in runs if part.test.metric in run.metrics]


def _sizes(runs: Sequence[PlannedRun], part: Part) -> tuple[int, ...]:
    groups, test = sides(runs, part), part.test
    if not isinstance(test, Contrast) or not test.paired:
        return tuple(len(_measured(group, part)) for group in groups)
    first, second = groups
    pairs = partners(first, second, shared(first, second, test.better)[0]).values()
    return (sum(all(len(side) == 1 and _measured(side, part) for side in pair) for pair in pairs),)
