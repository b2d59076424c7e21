"""Claims at several looks: error over all looks, answers that stay, and the runs that open claims still need."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ganbench.report import format_report
from ganbench.report.analysis.claims import Verdict
from ganbench.report.analysis.looks import NOT_NEEDED, needed_runs
from ganbench.report.analysis.looks import tested as verdicts_of
from ganbench.report.analysis.rows import RunRow
from ganbench.results.manifest import Manifest, MetricInfo
from ganbench.results.questions import Claim, Contrast, Level, Part, Questions
from tests.support.synthetic import Run, write_suite

VARIANTS = ("ns", "lsgan", "hinge", "wgan")
LOOKS = (12, 24)


def better(first: str, second: str = "ns") -> Claim:
    test = Contrast(metric="fd", better={"variant": first}, worse={"variant": second})
    return Claim(says=f"{first} beats {second}", source="", parts=(Part(test=test),))


CLAIMS = tuple(map(better, VARIANTS[1:]))


def answers(
    values: dict[str, Sequence[float | None]], claims: tuple[Claim, ...] = CLAIMS, looks: tuple[int, ...] = LOOKS
) -> tuple[list[RunRow], tuple[Verdict, ...]]:
    """The verdicts of runs with these values by seed; None is a run that is missing."""
    rows = []
    for variant, numbers in values.items():
        for seed, value in enumerate(numbers):
            columns = {"variant": variant, "dataset": "digits", "seed": seed}
            status = "missing" if value is None else "done"
            rows.append(RunRow(f"{variant}-{seed}", columns, status, {} if value is None else {"fd": value}, None))
    manifest = Manifest(
        suite="study", version="0", about="", runs={row.run_id: row.columns for row in rows}, marks={}, axes=(),
        select="last", metrics={"fd": MetricInfo("lower")}, scores=(), samples=1, looks=looks,
        questions=Questions(claims=claims),
    )  # fmt: skip
    return verdicts_of(rows, manifest)


def values(rng: np.random.Generator, effects: dict[str, float], seeds: int = 24) -> dict[str, Sequence[float | None]]:
    return {name: list(rng.normal(10 - effects.get(name, 0.0), 1, seeds)) for name in VARIANTS}


def test_at_most_five_per_cent_of_suites_without_an_effect_answer_anything() -> None:
    rng = np.random.default_rng(0)
    wrong = [
        any(found.answer != "inconclusive" for found in answers(values(rng, {}, 9), looks=(6, 9))[1])
        for _ in range(400)
    ]
    assert np.mean(wrong) <= 0.05


def test_an_answered_claim_stays_answered_and_saves_runs() -> None:
    drawn = values(np.random.default_rng(2), {"lsgan": 5.0, "hinge": 5.0})
    halves: dict[str, Sequence[float | None]] = {name: [*drawn[name][:12], *[None] * 12] for name in ("lsgan", "hinge")}
    stopped = drawn | halves
    (rows, found), (_, everything) = answers(stopped), answers(drawn)
    assert [(verdict.answer, verdict.look) for verdict in found] == [
        ("reproduced", 12), ("reproduced", 12), ("inconclusive", 24)
    ]  # fmt: skip
    assert found == everything, "stopping and going on gives what --all-looks gives"
    assert [row.run_id for row in rows if row.status == NOT_NEEDED] == [
        f"{name}-{seed}" for name in ("lsgan", "hinge") for seed in range(12, 24)
    ]


def test_a_later_answer_does_not_change_an_early_one() -> None:
    drawn = values(np.random.default_rng(3), {"lsgan": 5.0})
    turned = drawn | {"lsgan": [*drawn["lsgan"][:12], *[99.0] * 12]}
    assert answers(turned)[1][0] == answers(drawn)[1][0]


def test_a_claim_is_not_tested_before_its_look_is_complete() -> None:
    drawn = values(np.random.default_rng(4), {"lsgan": 5.0})
    early = {name: [*numbers[:11], *[None] * 13] for name, numbers in drawn.items()}
    rows, found = answers(early)
    assert {(verdict.answer, verdict.look, verdict.awaited) for verdict in found} == {("inconclusive", 0, 2)}
    assert not any(row.status == NOT_NEEDED for row in rows)


def test_a_claim_that_is_marked_as_unanswerable_asks_for_no_runs() -> None:
    level = Claim(says="", source="", parts=(Part(test=Level(metric="fd", low=10)),), unanswerable="one table")
    rows, _ = answers({"ns": [10.0, 10.1] * 6 + [None] * 12}, (level,))
    assert [row.status for row in rows].count(NOT_NEEDED) == 12


@pytest.fixture
def store(tmp_path: Path):
    rng = np.random.default_rng(5)
    runs = [
        Run(variant=name, seed=seed, status="done" if seed < 12 else "missing",
            curves={"fd_pixels": [float(rng.normal(10 - 5 * (name == "lsgan"), 1))]} if seed < 12 else {})
        for name in ("ns", "lsgan", "wgan")
        for seed in range(24)
    ]  # fmt: skip
    claims = Questions(claims=tuple(
        Claim(says=f"{name} is better", source="a paper", parts=(
            Part(test=Contrast(metric="fd_pixels", better={"variant": name}, worse={"variant": "ns"})),))
        for name in ("lsgan", "wgan")
    ))  # fmt: skip
    return write_suite(tmp_path, runs, looks=list(LOOKS), **claims.as_json())


def test_the_next_look_has_the_cells_of_open_claims(store) -> None:
    needed = needed_runs(store, "study", 1)
    assert needed == {f"{name}-digits-s{seed}-0123456789" for name in ("ns", "wgan") for seed in range(12, 24)}


def test_the_report_says_at_which_look_and_what_was_saved(store) -> None:
    text = format_report(store, "study", "markdown", None)
    assert "72 runs: 36 done, 24 missing, 12 not needed" in text
    assert "Answered after 12 seeds." in text
    assert "Tested after 12 seeds; the next look awaits 24 runs." in text
    assert "after 12 and 24 seeds, where p is compared with 0.025 and 0.025" in text
