"""Claims about two sides without partners, such as networks of different kinds over a grid of sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.report import format_report
from ganbench.report.analysis.claims import Verdict, verdicts
from ganbench.report.analysis.rows import RunRow
from ganbench.results.questions import Claim, Published, Questions
from ganbench.stats.outcomes import Ending
from tests.support.claims import claim_of, only_part, versus
from tests.support.synthetic import Run, write_suite

HIGHER = {"score": "higher", "stable": "higher"}


def claim(metric: str = "score", *, paired: bool = False) -> Claim:
    test = versus("ebgan", "ns", metric, paired=paired)
    return claim_of(test)


def row(variant: str, network: str, numbers: dict[str, float] | None = None, status: str = "done") -> RunRow:
    own: dict[str, Any] = {"variant": variant, "dataset": "digits", "network": network, "seed": 0}
    return RunRow(f"{variant}-{network}", own, status, numbers or {}, Ending("stable"))


def grid(ebgan: list[float], ns: list[float], metric: str = "score") -> list[RunRow]:
    """A run for each size; the two kinds of network share no size."""
    rows = [row("ebgan", f"autoencoder{size}", {metric: value}) for size, value in enumerate(ebgan)]
    return rows + [row("ns", f"mlp{size}", {metric: value}) for size, value in enumerate(ns)]


def one(rows: list[RunRow], asked: Claim) -> Verdict:
    (found,) = verdicts(rows, (asked,), HIGHER)
    return found


HIGH, LOW = [5.0 + size for size in range(6)], [1.0 + size / 10 for size in range(9)]


def test_a_verdict_flips_with_the_effect() -> None:
    found = one(grid(HIGH, LOW), claim())
    assert found.answer == "reproduced"
    part = only_part(found)
    assert part.effect is not None and part.effect.low is not None and part.effect.low > 0
    assert part.n == 15 and found.p == pytest.approx(2 / 5005), "of all ways to choose 6 of 15, one is as extreme"
    assert only_part(found).notes == ("6 runs against 9, unpaired", "fewer than 5 seeds", "also different: network")
    assert one(grid(LOW, HIGH), claim()).answer == "contradicted"
    assert one(grid(HIGH, [value + 0.5 for value in HIGH]), claim()).answer == "inconclusive"


def test_the_same_runs_have_no_pair() -> None:
    found = one(grid(HIGH, LOW), claim(paired=True))
    assert found.answer == "inconclusive" and only_part(found).notes == ("no pair has score (1 with several partners)",)


def test_few_runs_can_show_nothing() -> None:
    found = one(grid([5.0, 6, 7], [1.0, 2, 3]), claim())
    assert found.answer == "inconclusive" and only_part(found).detectable is None
    assert only_part(found).notes[-1] == "6 runs are too few: no result could have been significant"


def test_ranks_and_means_must_agree() -> None:
    rows = grid([2.0] * 20 + [-900.0], [1.0] * 21)
    assert (one(rows, claim()).answer, one(rows, claim()).p) == ("inconclusive", 1.0)


def test_rates_are_compared_by_fisher() -> None:
    found = one(grid([1.0] * 6, [0.0] * 6 + [1.0] * 2, "stable"), claim("stable"))
    assert found.answer == "reproduced" and found.p == pytest.approx(2 * 28 / 3003)
    assert only_part(found).effect is not None and only_part(found).effect.mean == 0.75
    assert one(grid([0.0] * 6, [1.0] * 6 + [0.0] * 2, "stable"), claim("stable")).answer == "contradicted"
    assert one(grid([1.0] * 3, [0.0] * 3, "stable"), claim("stable")).answer == "inconclusive"


def test_runs_without_a_number_are_left_out_and_counted() -> None:
    rows = [*grid(HIGH, LOW), row("ns", "mlp9", status="diverged"), row("ebgan", "autoencoder9")]
    notes = only_part(one(rows, claim())).notes
    assert "1 of 17 runs left out: diverged" in notes and "1 of 17 runs left out: not measured" in notes
    lost = [row("ns", "mlp0", status="failed"), row("ebgan", "autoencoder0", {"score": 1.0})]
    assert only_part(one(lost, claim())).notes == ("one side lacks score (1 failed)",)


def test_no_effect_is_declared_at_the_stated_rate_with_sides_of_unequal_size_and_spread_alike() -> None:
    rng = np.random.default_rng(7)
    drawn = [rng.lognormal(0, 1, 30).tolist() for _ in range(300)]
    answers = [one(grid(values[:10], values[10:]), claim()).answer for values in drawn]
    wrong = len(answers) - answers.count("inconclusive")
    assert 4 <= wrong <= 27, (
        "5 % of 300 are 15 with a deviation of 3.8; a little fewer, since ranks and means must agree"
    )


def test_the_report_says_how_it_was_tested(tmp_path: Path) -> None:
    runs = [Run(variant="ebgan", seed=seed, curves={"fd_pixels": [9.0 + seed / 10]}) for seed in range(6)]
    runs += [Run(seed=seed, curves={"fd_pixels": [40.0 + seed]}) for seed in range(10, 18)]
    test = versus("ebgan", "ns", "fd_pixels", paired=False)
    asked = claim_of(test, says="EBGAN is better", source="a paper", published={"better": Published(10)})
    questions = Questions(claims=(asked,)).as_json()
    text = format_report(write_suite(tmp_path, runs, **questions), "study", "markdown", None)
    assert "| EBGAN is better | digits  | reproduced |" in text
    assert "6 runs against 8, unpaired" in text and "better 10 / 9.2 (-0.8)" in text
    assert "Tested: fd_pixels: ebgan better than ns, unpaired." in text
    assert "by the Mann-Whitney test with Welch's interval" in text
