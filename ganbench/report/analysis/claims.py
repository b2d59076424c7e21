"""Answers to what papers claim: *reproduced*, *contradicted* or *inconclusive*, with the result of every part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ganbench.report.analysis.parts import PartResult, PartTest, test_part, untested
from ganbench.report.analysis.rows import unmeasured
from ganbench.results.selection import by, within
from ganbench.stats import LEVEL, holm

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow
    from ganbench.results.questions import Claim

Answer = Literal["reproduced", "contradicted", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """The answer to a claim on one dataset.

    A claim is reproduced if every part holds and contradicted if a part is contradicted. `p` is that of the whole claim
    (see `ClaimTest`), and `corrected` is Holm's over all claims of the suite; both are None if nothing could be tested.
    `needed`: about how many seeds would answer an inconclusive claim if its effects stay as they are.
    `look`: the number of seeds of the last look that tested the claim, 0 before the first, None in a suite without
    looks. `awaited`: how many runs of the next look are not over.
    """

    claim: Claim
    dataset: str
    answer: Answer
    parts: tuple[PartResult, ...]
    p: float | None = None
    corrected: float | None = None
    needed: int | None = None
    look: int | None = None
    awaited: int = 0


@dataclass(frozen=True)
class ClaimTest:
    """The tests of a claim's parts on a dataset.

    The claim is false if any part is, so all parts must be significant for it, each at the whole level
    (intersection-union test, Berger 1982). It is contradicted by any part, so that answer is corrected for the number
    of parts (Bonferroni). `p` is the smaller p of the two answers.
    """

    claim: Claim
    dataset: str
    parts: tuple[PartTest, ...]

    @property
    def p(self) -> float | None:
        """None if no part could be tested."""
        if all(part.result.p is None for part in self.parts):
            return None
        reproduced = max(part.p_for for part in self.parts)
        contradicted = len(self.parts) * min(part.p_against for part in self.parts)
        return min(1.0, reproduced, contradicted)

    def decided(self, level: float, corrected: float | None) -> Verdict:
        """The verdict at a level, which Holm's correction left for it."""
        parts = tuple(part.decided(level, len(self.parts)) for part in self.parts)
        answer: Answer = "inconclusive"
        if any(part.answer == "contradicted" for part in parts):
            answer = "contradicted"
        elif all(part.answer == "holds" for part in parts):
            answer = "reproduced"
        seeds = _needed(parts) if answer == "inconclusive" else None
        return Verdict(self.claim, self.dataset, answer, parts, self.p, corrected, seeds)


def verdicts(rows: Sequence[RunRow], claims: Sequence[Claim], better: Mapping[str, str]) -> tuple[Verdict, ...]:
    """Test every claim on each dataset that it is about, and correct over all. `better`: by metric, lower or higher."""
    tests = claim_tests(rows, claims, better)
    adjusted = iter(holm([test.p for test in tests if test.p is not None]))
    corrected = [next(adjusted) if test.p is not None else None for test in tests]
    level = LEVEL / max(1, sum(p is not None and p >= LEVEL for p in corrected))  # of Holm's last step
    return tuple(test.decided(level, p) for test, p in zip(tests, corrected, strict=True))


def claim_tests(rows: Sequence[RunRow], claims: Sequence[Claim], better: Mapping[str, str]) -> list[ClaimTest]:
    """The tests of every claim on each dataset that it is about, before any correction."""
    datasets = {str(name): group for (name,), group in by(rows, ("dataset",)).items()}
    return [test for claim in claims for test in _tests(datasets, claim, better)]


def _needed(parts: Sequence[PartResult]) -> int | None:
    """How many seeds would answer a claim; None without an effect that could.

    A single part that the runs speak against is enough to contradict it. To reproduce it every part must hold.
    """
    against = [part.needed for part in parts if part.p is not None and not part.agrees]
    if against:
        return min((seeds for seeds in against if seeds), default=None)
    still_open = [part.needed for part in parts if part.answer == "open"]
    return None if None in still_open else max(filter(None, still_open), default=None)


def _tests(datasets: Mapping[str, Sequence[RunRow]], claim: Claim, better: Mapping[str, str]) -> list[ClaimTest]:
    """A test for each dataset on which every part is measured, or a single one that says that there is none."""
    matching = {name: [within(group, part.where) for part in claim.parts] for name, group in datasets.items()}
    meant = {name: groups for name, groups in matching.items() if any(groups)}
    measured = {name: groups for name, groups in meant.items() if not _lacking(claim, groups)}
    if any(_known(claim, groups) for groups in measured.values()):
        return [
            ClaimTest(claim, name, tuple(test_part(datasets[name], part, better) for part in claim.parts))
            for name in measured
        ]
    named = claim.parts[0].where.get("dataset", tuple(meant))
    found = [[row for groups in meant.values() for row in groups[at]] for at in range(len(claim.parts))]
    parts = tuple(
        untested(part, f"no finished run has {part.test.metric}" if runs else "no run of the suite matches")
        for part, runs in zip(claim.parts, found, strict=True)
    )
    return [ClaimTest(claim, ", ".join(map(str, named)) or "–", parts)]


def _lacking(claim: Claim, groups: Sequence[Sequence[RunRow]]) -> bool:
    """Whether the metric of a part is not measured on a dataset by design."""
    return any(unmeasured(group, part.test.metric) for part, group in zip(claim.parts, groups, strict=True))


def _known(claim: Claim, groups: Sequence[Sequence[RunRow]]) -> bool:
    """Whether some run has the metric of a part."""
    pairs = zip(claim.parts, groups, strict=True)
    return any(part.test.metric in row.numbers for part, group in pairs for row in group)
