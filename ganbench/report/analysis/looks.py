"""Claims that are tested at several looks: which are answered when, and which runs the open ones still need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ganbench.report.analysis.claims import ClaimTest, Verdict, claim_tests, verdicts
from ganbench.report.analysis.rows import RunRow, rows
from ganbench.report.analysis.trajectories import per_run
from ganbench.results.looks import look_of_runs
from ganbench.results.questions import RATES
from ganbench.results.selection import sides
from ganbench.results.table import read_results
from ganbench.stats import look_corrected, spending

if TYPE_CHECKING:
    from ganbench.results.manifest import Manifest
    from ganbench.results.questions import Claim
    from ganbench.results.store import Store

    Key = tuple[int, str]  # the place of a claim, and a dataset

OVER = ("done", "diverged", "failed")
NOT_NEEDED = "not needed"  # the status of a missing run of a later look that no open claim needs


@dataclass(frozen=True)
class LookedAt:
    """The runs and the claims of a suite with looks. `places`: the look of each run, counted from 0."""

    rows: Sequence[RunRow]
    claims: Sequence[Claim]
    better: Mapping[str, str]
    looks: tuple[int, ...]
    places: Mapping[str, int]
    answers: Mapping[Key, Verdict] = field(default_factory=dict)

    def tests(self, look: int) -> dict[Key, ClaimTest]:
        """The tests of all claims with the runs of this look and of earlier ones."""
        own = [row for row in self.rows if self.places[row.run_id] <= look]
        return {
            (place, test.dataset): test
            for place, claim in enumerate(self.claims)
            for test in claim_tests(own, (claim,), self.better)
        }

    def runs_of(self, key: Key) -> list[RunRow]:
        """The runs that a claim compares on a dataset, of all looks."""
        place, dataset = key
        own = [row for row in self.rows if row.columns["dataset"] == dataset]
        found = {row.run_id: row for part in self.claims[place].parts for side in sides(own, part) for row in side}
        return list(found.values())

    def awaited(self, key: Key, look: int) -> int:
        """How many runs of a claim are not over at a look; at least one if the look has no run."""
        entered = [row for row in self.runs_of(key) if self.places[row.run_id] <= look]
        reached = any(self.places[row.run_id] == look for row in entered)
        return sum(row.status not in OVER for row in entered) if reached else max(1, len(entered))

    def is_open(self, key: Key) -> bool:
        """Whether a claim that can be answered has no answer yet."""
        return self.answers[key].answer == "inconclusive" and not self.claims[key[0]].unanswerable


def tested(runs: Sequence[RunRow], manifest: Manifest) -> tuple[list[RunRow], tuple[Verdict, ...]]:
    """The verdicts of a suite's claims, and its runs, of which those that no look needs are `NOT_NEEDED`.

    An answered claim keeps the answer and the numbers of the look that gave it.
    """
    better = {name: info.better for name, info in manifest.metrics.items()} | RATES
    if not manifest.looks:
        return list(runs), verdicts(runs, manifest.questions.claims, better)
    studied = answered(runs, manifest, better)
    needed = {row.run_id for key in studied.answers if studied.is_open(key) for row in studied.runs_of(key)}
    spared = [row.run_id not in needed and row.status == "missing" and studied.places[row.run_id] > 0 for row in runs]
    labelled = [replace(row, status=NOT_NEEDED) if spare else row for row, spare in zip(runs, spared, strict=True)]
    return labelled, tuple(studied.answers.values())


def answered(runs: Sequence[RunRow], manifest: Manifest, better: Mapping[str, str]) -> LookedAt:
    """Test the claims look by look, each at its share of the level, corrected over all claims."""
    places = look_of_runs(manifest.runs, manifest.looks)
    studied = LookedAt(runs, manifest.questions.claims, better, manifest.looks, places)
    last = studied.tests(len(manifest.looks) - 1)
    studied = replace(studied, answers={key: _untested(test, studied.awaited(key, 0)) for key, test in last.items()})
    for look, share in enumerate(spending(manifest.looks)):
        studied = replace(studied, answers=_answers(studied, look, share))
    return studied


def _answers(studied: LookedAt, look: int, share: float) -> dict[Key, Verdict]:
    """The answers after a look, from those before it. A claim is tested once all of its runs are over."""
    known, found = studied.answers, studied.tests(look)
    waits = {key: studied.awaited(key, look) for key in known}
    done = [verdict.answer != "inconclusive" for verdict in known.values()]
    ready = [key in found and not waits[key] for key in known]
    p_values = [found[key].p if now else None for key, now in zip(known, ready, strict=True)]
    corrected = look_corrected(p_values, done)
    level = share / max(1, sum(p >= share for p in corrected))  # of Holm's last step
    answers = dict(known)
    for key, now, over, p in zip(known, ready, done, corrected, strict=True):
        if now and not over:
            verdict = found[key].decided(level, p if found[key].p is not None else None)
            answers[key] = replace(verdict, look=studied.looks[look])
        elif not over and known[key].look == (studied.looks[look - 1] if look else 0):
            answers[key] = replace(known[key], awaited=waits[key])
    return answers


def _untested(test: ClaimTest, awaited: int) -> Verdict:
    """A claim before its first look."""
    parts = tuple(part.result for part in test.parts)
    return Verdict(test.claim, test.dataset, "inconclusive", parts, look=0, awaited=awaited)


def needed_runs(store: Store, suite: str, look: int) -> frozenset[str]:
    """The ids of a look's runs that claims need which the looks before it tested and left open.

    They stay the same when the look is over. Raises `RequestError` if the suite never ran here.
    """
    results = read_results(store, suite)
    manifest = results.manifest
    better = {name: info.better for name, info in manifest.metrics.items()} | RATES
    runs = rows(results, per_run(results, manifest.select), manifest.questions.outcome)
    studied = answered(runs, manifest, better)
    before = manifest.looks[look - 1]
    return frozenset(
        row.run_id
        for key, verdict in studied.answers.items()
        if (studied.is_open(key) and verdict.look == before) or (verdict.look or 0) > before
        for row in studied.runs_of(key)
        if studied.places[row.run_id] == look
    )
