"""Runs without a number: a side that diverged more often is not called better, and every missing run is counted."""

from __future__ import annotations

from typing import Any

import pytest

from ganbench.report.analysis.claims import verdicts
from ganbench.report.analysis.comparisons import family
from ganbench.report.analysis.rows import RunRow
from ganbench.results.questions import Compare, Level
from tests.support.claims import claim_of, only_part, versus

BETTER = {"fd": "lower", "hq": "higher"}
LSGAN_WINS = claim_of(versus("lsgan", "ns", "fd"))

SEEDS = 20


def row(variant: str, seed: int, fd: float | None, dataset: str = "digits", **columns: Any) -> RunRow:
    own = {"variant": variant, "dataset": dataset, "seed": seed} | columns
    numbers = {} if fd is None else {"fd": fd, "hq": 0.5}
    return RunRow(f"{variant}-{dataset}-{seed}-{columns}", own, "diverged" if fd is None else "done", numbers, None)


def two(lost: int, dataset: str = "digits", **columns: Any) -> list[RunRow]:
    """Every `ns` ends at 10 and more, every `lsgan` at 1 and more but the first few, which diverge."""
    rows = [row("ns", seed, 10.0 + seed / 7, dataset, **columns) for seed in range(SEEDS)]
    ends = [None if seed < lost else 1.0 + seed / 9 for seed in range(SEEDS)]
    return rows + [row("lsgan", seed, end, dataset, **columns) for seed, end in enumerate(ends)]


def test_surviving_runs_do_not_make_a_side_better() -> None:
    (whole,) = verdicts(two(lost=0), (LSGAN_WINS,), BETTER)
    (left,) = verdicts(two(lost=12), (LSGAN_WINS,), BETTER)
    assert (whole.answer, left.answer) == ("reproduced", "inconclusive")
    assert left.corrected is not None and left.corrected < 0.05
    assert "12 of 20 runs diverged against 0 of 20" in only_part(left).notes
    (compared,) = family(two(lost=12), Compare(axis="variant", metric="fd", baseline="ns"), "lower").comparisons
    assert compared.better is None
    (few,) = verdicts(two(lost=2), (LSGAN_WINS,), BETTER)
    assert few.answer == "reproduced", "two of twenty may be chance"


def test_a_side_that_is_worse_and_diverges_more_is_worse() -> None:
    claim = claim_of(versus("ns", "lsgan", "fd"))
    flipped = [RunRow(r.run_id, r.columns, r.status, {k: -v for k, v in r.numbers.items()}, None) for r in two(lost=12)]
    (found,) = verdicts(flipped, (claim,), BETTER)
    assert found.answer == "reproduced"


def test_a_dataset_on_which_all_runs_diverged_is_reported() -> None:
    rows = [*two(lost=0), *two(lost=SEEDS, dataset="mnist")]
    digits, mnist = verdicts(rows, (LSGAN_WINS,), BETTER)
    assert (digits.dataset, digits.answer) == ("digits", "reproduced")
    assert (mnist.dataset, mnist.answer) == ("mnist", "inconclusive")
    assert only_part(mnist).notes == ("no pair has fd (20 diverged)",)
    compared = family(rows, Compare(axis="variant", metric="fd", baseline="ns"), "lower").comparisons
    assert [(one.dataset, one.effect is None) for one in compared] == [("digits", False), ("mnist", True)]
    level = claim_of(Level(metric="fd", high=50), where={"variant": ("lsgan",)})
    assert [only_part(one).notes for one in verdicts(rows, (level,), BETTER)] == [(), ("no finished run has fd",)]


def test_a_metric_that_a_dataset_lacks_by_design_is_no_matter() -> None:
    ring = [
        RunRow(f"r{s}", {"variant": v, "dataset": "ring8", "seed": s}, "done", {}, None) for v in "ab" for s in range(3)
    ]
    assert [one.dataset for one in verdicts([*two(lost=0), *ring], (LSGAN_WINS,), BETTER)] == ["digits"]


def test_diverged_runs_rank_last_and_win_no_duel() -> None:
    rows = [one for name in ("a", "b", "c") for one in two(lost=18, optimizer=name)]
    standing = family(rows, Compare(axis="variant", metric="fd", baseline="ns"), "lower").standing
    assert standing is not None and standing.values == ("ns", "lsgan")
    assert standing.ranking.ranks == (1.0, 2.0)
    beats = standing.improvements[1]
    assert beats is not None and beats.mean == pytest.approx(0.1)
    assert standing.diverged == 54
    assert [profile[0] for profile in standing.profiles] == [1.0, 0.1]


def test_runs_that_never_ended_are_not_counted_as_bad() -> None:
    rows = [one for name in ("a", "b") for one in two(lost=0, optimizer=name)]
    missing = [RunRow(r.run_id, r.columns, "missing", {}, None) if r.columns["seed"] > 3 else r for r in rows]
    standing = family(missing, Compare(axis="variant", metric="fd", baseline="ns"), "lower").standing
    assert standing is not None and [profile[0] for profile in standing.profiles] == [1.0, 1.0]


def test_two_diverged_runs_are_even() -> None:
    rows = [one for name in ("a", "b") for one in two(lost=SEEDS, optimizer=name)]
    dead = [RunRow(r.run_id, r.columns, "diverged", {}, None) if r.columns["seed"] % 2 else r for r in rows]
    standing = family(dead, Compare(axis="variant", metric="fd", baseline="ns"), "lower").standing
    assert standing is not None and standing.improvements[1] is not None
    assert standing.improvements[1].mean == pytest.approx(0.25), "half of the others diverged as well"
