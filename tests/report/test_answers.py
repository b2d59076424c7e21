"""Outcomes, comparisons, factors and claims on constructed tables: answers, and that they flip with the effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.report import format_report
from ganbench.report.analysis.claims import Verdict, verdicts
from ganbench.report.analysis.comparisons import family
from ganbench.report.analysis.factors import factors
from ganbench.report.analysis.outcomes import best_cells
from ganbench.report.analysis.rows import RunRow
from ganbench.report.analysis.summary import summarise
from ganbench.results.questions import Claim, Compare, Condition, Level, OutcomeRule, Published, Questions
from ganbench.results.table import read_results
from ganbench.stats.outcomes import Ending, Thresholds
from tests.support.claims import claim_of, only_part, versus
from tests.support.synthetic import Run, write_suite

BETTER = {"fd": "lower", "is": "higher", "stable": "higher", "collapsed": "lower", "diverged": "lower"}
LSGAN_WINS = claim_of(versus("lsgan", "ns", "fd"))


def row(
    variant: str, seed: int, *, status: str = "done", columns: dict[str, Any] | None = None, **numbers: float
) -> RunRow:
    """A run of a small suite."""
    own = {"variant": variant, "dataset": "digits", "optimizer": "adam", "seed": seed} | (columns or {})
    return RunRow(f"{variant}-{seed}", own, status, numbers, Ending("stable"))


def sides(lsgan: Sequence[float], ns: Sequence[float], metric: str = "fd") -> list[RunRow]:
    """Two variants over seeds 0, 1, ..."""
    both: list[tuple[str, int, Any]] = [("lsgan", *one) for one in enumerate(lsgan)]
    both += [("ns", *one) for one in enumerate(ns)]
    return [row(side, seed, **{metric: value}) for side, seed, value in both]


def one(rows: list[RunRow], claim: Claim = LSGAN_WINS) -> Verdict:
    (found,) = verdicts(rows, (claim,), BETTER)
    return found


def test_a_verdict_flips_with_the_effect() -> None:
    low, high = [10.0 + s for s in range(10)], [20.0 + 1.5 * s for s in range(10)]
    assert one(sides(low, high)).answer == "reproduced"
    assert one(sides(high, low)).answer == "contradicted"
    assert one(sides(low, [value + (-1) ** s for s, value in enumerate(low)])).answer == "inconclusive"
    found = one(sides(low, high))
    part = only_part(found)
    assert part.effect is not None and part.effect.low is not None and part.effect.low > 0, "a lower fd is better"
    assert (part.n, part.seeds) == (10, 10)
    assert found.corrected == pytest.approx(2 / 1024)


def test_higher_is_better_where_the_metric_says_so() -> None:
    claim = claim_of(versus("lsgan", "ns", "is"))
    assert one(sides([5.0] * 8, [4.0] * 8, "is"), claim).answer == "reproduced"
    assert one(sides([4.0] * 8, [5.0] * 8, "is"), claim).answer == "contradicted"


def test_five_seeds_can_show_nothing_and_four_are_flagged() -> None:
    found = one(sides([1.0, 2, 3, 4, 5], [11.0, 22, 33, 44, 55]))
    assert (found.answer, only_part(found).detectable) == ("inconclusive", None)
    assert only_part(found).notes == ("5 pairs are too few: no result could have been significant",)
    assert only_part(one(sides([1.0, 2, 3, 4], [11.0, 22, 33, 44]))).notes[0] == "fewer than 5 seeds"


def test_many_claims_need_more_evidence_each() -> None:
    rows = sides([float(s) for s in range(7)], [10.0 + 2 * s for s in range(7)])
    assert one(rows).answer == "reproduced"  # p = 2 / 128
    assert {found.answer for found in verdicts(rows, (LSGAN_WINS,) * 4, BETTER)} == {"inconclusive"}


def test_runs_without_a_number_are_left_out_and_counted() -> None:
    rows = sides([1.0] * 6, [9.0] * 6)
    rows += [row("lsgan", 6, status="diverged"), row("ns", 6, fd=9.0), row("ns", 7, fd=9.0)]
    rows += [row("lsgan", 8, status="failed"), row("ns", 8, status="missing")]
    found = one(rows)
    assert (only_part(found).n, found.answer) == (6, "reproduced")
    assert only_part(found).notes == (
        "1 of 9 pairs left out: diverged",
        "1 of 9 pairs left out: failed",
        "1 of 9 pairs left out: without a partner",
    )


def test_a_claim_about_nothing_says_so() -> None:
    claim = claim_of(LSGAN_WINS.parts[0].test, where={"dataset": ("mnist",)})
    found = one(sides([1.0], [2.0]), claim)
    assert (found.answer, found.dataset) == ("inconclusive", "mnist")
    assert only_part(found).notes == ("no run of the suite matches",)
    assert "no pair has fd (1 failed)" in only_part(one([row("lsgan", 0, status="failed"), row("ns", 0, fd=1.0)])).notes


def test_rates_are_compared_by_mcnemar() -> None:
    claim = claim_of(
        versus("lsgan", "ns", "stable"),
        published={"better": Published(0.5), "worse": Published(0.0)},
    )
    found = one(sides([1.0] * 5 + [0.0] * 5, [0.0] * 10, "stable"), claim)
    assert (found.p, found.answer, only_part(found).detectable) == (0.0625, "inconclusive", 0.6)
    assert {name: beside.ours for name, beside in only_part(found).beside.items()} == {"better": 0.5, "worse": 0.0}
    assert one(sides([1.0] * 6 + [0.0] * 4, [0.0] * 10, "stable"), claim).answer == "reproduced"
    assert one(sides([0.0] * 10, [1.0] * 6 + [0.0] * 4, "stable"), claim).answer == "contradicted"


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ([224.0, 226, 225, 223, 227, 224.5], "reproduced"),
        ([204.0, 206, 205, 203, 207, 204.5], "contradicted"),
        ([215.0, 235, 225, 221, 230, 219], "inconclusive"),
        ([225.0, 225.5], "inconclusive"),
    ],
)
def test_a_published_value_within_its_error(values: list[float], answer: str) -> None:
    level = Level(metric="is", low=221, high=229)
    claim = claim_of(level, published={"value": Published(225, 2)})
    found = one(sides([], values, "is"), claim)
    assert found.answer == answer
    assert only_part(found).beside["value"].ours == pytest.approx(np.mean(values))


@pytest.mark.parametrize(("successes", "answer"), [(9, "reproduced"), (5, "inconclusive"), (0, "contradicted")])
def test_a_rate_against_a_bound(successes: int, answer: str) -> None:
    claim = claim_of(Level(metric="stable", low=0.5))
    rows = [row("ns", seed, stable=float(seed < successes)) for seed in range(10)]
    assert one(rows, claim).answer == answer


def test_two_that_are_the_same_to_within_a_difference() -> None:
    test = versus("lsgan", "ns", "fd", within=3)
    claim = claim_of(test)
    base = [10.0 + s for s in range(8)]
    assert one(sides(base, [value + (-1) ** s for s, value in enumerate(base)]), claim).answer == "reproduced"
    assert one(sides(base, [value + 5 for value in base]), claim).answer == "contradicted"
    assert one(sides(base, [value + 5 * (-1) ** s for s, value in enumerate(base)]), claim).answer == "inconclusive"


def test_a_planted_effect_is_found_and_none_is_declared_at_the_stated_rate() -> None:
    """400 fixed suites of 10 seeds, skewed noise: under the null at most 5 % get an answer, either way."""
    rng = np.random.default_rng(5)
    answers: dict[str, Counter[str]] = {"null": Counter(), "planted": Counter()}
    for _ in range(400):
        a, b = rng.lognormal(0, 1, (2, 10))
        answers["null"][one(sides(a.tolist(), b.tolist())).answer] += 1
        answers["planted"][one(sides(a.tolist(), (6 * b + 1).tolist())).answer] += 1
    wrong = 400 - answers["null"]["inconclusive"]
    assert 4 <= wrong <= 28, "0.0488 of 400 are 19.5 with a deviation of 4.3"
    assert answers["planted"]["reproduced"] > 360
    assert answers["planted"]["contradicted"] == 0


def test_the_rate_holds_for_a_whole_family() -> None:
    """80 suites of six nulls each: Holm lets at most 5 % of the suites say anything, 4 with a deviation of 1.9. With an
    effect in the first cell, that one is found.
    """
    rng = np.random.default_rng(6)
    spoke = {0.0: Counter[str](), 5.0: Counter[str]()}
    for planted, seen in spoke.items():
        for _ in range(80):
            rows = [
                row(side, seed, columns={"optimizer": f"o{cell}"}, fd=float(rng.normal()) + planted * (cell == 0) * at)
                for cell in range(6)
                for at, side in enumerate(("lsgan", "ns"))
                for seed in range(10)
            ]
            found = family(rows, Compare(axis="variant", metric="fd", baseline="ns"), "lower").comparisons
            assert len(found) == 6
            seen["first"] += found[0].better is True
            seen["others"] += any(one.better is not None for one in found[1:])
    assert spoke[0.0]["first"] + spoke[0.0]["others"] <= 9
    assert spoke[5.0]["first"] >= 76 and spoke[5.0]["others"] <= 9


def test_comparisons_in_each_setting_and_pooled() -> None:
    rows = [
        row(side, seed, columns={"optimizer": name}, fd=10.0 * (side == "ns") + seed + shift)
        for name, shift in (("adam", 0), ("rmsprop", 100))
        for side in ("ns", "lsgan", "wgan")
        for seed in range(8)
    ]
    apart = family(rows, Compare(axis="variant", metric="fd", baseline="ns"), "lower")
    assert [(one.value, one.setting["optimizer"], one.better) for one in apart.comparisons] == [
        ("lsgan", "adam", True),
        ("lsgan", "rmsprop", True),
        ("wgan", "adam", True),
        ("wgan", "rmsprop", True),
    ]
    pooled = family(rows, Compare(axis="variant", metric="fd", baseline="ns", pooled=True), "lower")
    effects = [one.effect for one in pooled.comparisons if one.effect]
    assert [(effect.n, effect.seeds, effect.difference.mean, effect.size) for effect in effects] == [
        (16, 8, -10, -1)
    ] * 2
    assert apart.standing is not None
    assert apart.standing.values == ("ns", "lsgan", "wgan")
    assert apart.standing.ranking.ranks == (3.0, 1.5, 1.5)
    assert apart.standing.improvements[0] is None
    assert apart.standing.improvements[1] is not None and apart.standing.improvements[1].mean == 1.0
    assert [profile[0] for profile in apart.standing.profiles] == [1.0, 1.0, 1.0]
    worst, *better = (mean.mean for mean in apart.standing.interquartile_means)
    assert (worst, *better) == pytest.approx((3.5 / 17, 13.5 / 17, 13.5 / 17)), "ns has 10 to 17 of 0 to 17"


def test_a_network_that_changes_with_its_variant_is_paired_and_noted() -> None:
    rows = [row("ali", s, columns={"network": "joint"}, fd=1.0 + s) for s in range(8)]
    rows += [row("ns", s, columns={"network": "mlp"}, fd=9.0 + s) for s in range(8)]
    claim = claim_of(versus("ali", "ns", "fd"))
    found = one(rows, claim)
    assert (found.answer, only_part(found).notes) == ("reproduced", ("also different: network",))


def test_factors_find_the_axis_that_matters() -> None:
    rng = np.random.default_rng(2)
    rows = [
        row(side, seed, columns={"optimizer": name}, fd=5.0 * (side == "ns") + rng.normal())
        for name in ("adam", "rmsprop")
        for side in ("ns", "lsgan")
        for seed in range(20)
    ]
    (found,) = factors(rows, ("variant", "optimizer", "seed"), ("fd",))
    by_axes = {factor.axes: factor for factor in found.factors}
    assert by_axes["variant",].share > 0.8
    assert by_axes["optimizer",].share < 0.02
    assert sum(factor.share for factor in found.factors) == pytest.approx(1)
    alike = [replace(one, numbers={"fd": 1.0}) for one in rows]
    assert not list(factors(alike, ("variant", "optimizer", "seed"), ("fd",))), "no variance to be shared out"


def test_only_a_significant_best_is_bold() -> None:
    rows = [sides([1.0 + s for s in range(8)], []), sides([], [9.0 + 2 * s for s in range(8)])]
    assert best_cells(rows[:2], {"fd": "lower"}) == {"fd": 0}
    assert best_cells(rows[:2], {"fd": "higher"}) == {"fd": 1}
    assert best_cells([cell[:5] for cell in rows[:2]], {"fd": "lower"}) == {}


QUESTIONS = Questions(
    outcome={
        "digits": OutcomeRule(
            good=(Condition("fd_pixels", Thresholds(limit=15)),), diverse=(Condition("hq", Thresholds(limit=0.5)),)
        )
    },
    compare=(Compare(axis="variant", metric="stable", baseline="ns"),),
    claims=(
        claim_of(
            versus("lsgan", "ns", "fd_pixels"),
            says="LSGAN is better_than NS & more",
            source="a paper",
            published={"better": Published(10, 1)},
        ),
    ),
)


def study(root: Path) -> Any:
    """`lsgan` stable; of `ns` three collapse at step 2000, one never is good and one diverges."""
    runs = [Run(variant="lsgan", seed=s, curves={"fd_pixels": [30, 9 + 0.1 * s], "hq": [0.1, 0.9]}) for s in range(8)]
    runs += [Run(seed=s, curves={"fd_pixels": [12.0, 40.0 + s], "hq": [0.9, 0.9 if s else 0.1]}) for s in range(3)]
    runs += [Run(seed=3, curves={"fd_pixels": [60.0, 43.0], "hq": [0.9, 0.1]})]
    runs += [Run(seed=s, curves={"fd_pixels": [12.0, 14.0 + s / 10], "hq": [0.9, 0.9]}) for s in range(4, 7)]
    runs += [Run(seed=7, status="diverged")]
    marks = {run.run_id: [1000, 2000] for run in runs}
    return write_suite(root, runs, marks=marks, **QUESTIONS.as_json())


def test_outcomes_per_cell(tmp_path: Path) -> None:
    store = study(tmp_path)
    (section,) = summarise(store, read_results(store, "study"), "last").sections
    lsgan, ns = (cell.outcomes for cell in section.cells)
    assert lsgan is not None and ns is not None
    assert (lsgan.stable.mean, lsgan.steps) == (1.0, ())
    rates = (ns.stable, ns.collapsed, ns.never_good, ns.diverged)
    assert [rate.mean for rate in rates] == [3 / 8, 3 / 8, 1 / 8, 1 / 8]
    assert (ns.steps, ns.diverse) == ((2000,) * 3, 2)
    assert section.best == {"fd_pixels": 0}
    rule = "good where fd_pixels at most 15, diverse where hq at least 0.5, judged by most of the last 20% of the marks"
    assert section.outcome == rule


def test_every_format_shows_the_answers(tmp_path: Path) -> None:
    store = study(tmp_path)
    text = format_report(store, "study", "markdown", None)
    assert "| LSGAN is better_than NS & more | digits  | reproduced |" in text
    assert "better 10 ± 1 / 9 (-1)" in text
    assert "1 of 8 pairs left out: diverged" in text
    assert "3/8 [0.14, 0.69]" in text and "2/3" in text
    assert "**9.35" in text
    latex = format_report(store, "study", "latex", None).replace(r"\allowbreak{}", "")
    assert r"LSGAN is better\_than NS \& more" in latex
    assert r"\textbf{9.35" in latex
    body = format_report(store, "study", "json", None)
    assert '"answer": "reproduced"' in body
    assert "reproduced" not in format_report(store, "study", "csv", None)
