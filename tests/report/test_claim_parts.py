"""Claims of several parts: their answers on constructed tables, the error that they control, and what a reader sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench.report import format_report
from ganbench.report.analysis.claims import Verdict, verdicts
from ganbench.report.analysis.rows import RunRow
from ganbench.results.questions import (
    Claim,
    Condition,
    Contrast,
    Level,
    OutcomeRule,
    Part,
    Published,
    Questions,
    Surrogate,
)
from ganbench.stats.outcomes import Thresholds
from tests.support.claims import claim_of, versus
from tests.support.synthetic import Run, write_suite

BETTER = {"fd": "lower", "stable": "higher", "kl": "lower"}
OFTEN = Part(test=Level(metric="stable", low=0.5), where={"variant": ("lsgan",)})
NEVER = Part(test=Level(metric="stable", high=0.25), where={"variant": ("ns",)})
AHEAD = Part(test=versus("lsgan", "ns", "stable"))
WHOLE = Claim(says="good in half of its runs, the other in none", source="a paper", parts=(OFTEN, NEVER))


def table(lsgan: Sequence[float], ns: Sequence[float], metric: str = "stable") -> list[RunRow]:
    """Two variants over seeds 0, 1, ..."""
    return [
        RunRow(f"{side}-{seed}", {"variant": side, "dataset": "digits", "seed": seed}, "done", {metric: value}, None)
        for side, values in (("lsgan", lsgan), ("ns", ns))
        for seed, value in enumerate(values)
    ]


def one(rows: list[RunRow], claim: Claim) -> Verdict:
    (found,) = verdicts(rows, (claim,), BETTER)
    return found


def rate(successes: int, n: int = 24) -> list[float]:
    return [float(seed < successes) for seed in range(n)]


@pytest.mark.parametrize(
    ("lsgan", "ns", "answer", "parts"),
    [
        (rate(22), rate(0), "reproduced", ["holds", "holds"]),
        (rate(22), rate(19), "contradicted", ["holds", "contradicted"]),
        (rate(2), rate(0), "contradicted", ["contradicted", "holds"]),
        (rate(22), rate(4), "inconclusive", ["holds", "open"]),
        (rate(12), rate(6), "inconclusive", ["open", "open"]),
    ],
)
def test_a_claim_needs_all_of_its_parts(lsgan: list[float], ns: list[float], answer: str, parts: list[str]) -> None:
    found = one(table(lsgan, ns), WHOLE)
    assert (found.answer, [part.answer for part in found.parts]) == (answer, parts)
    assert [part.n for part in found.parts] == [24, 24]
    assert [part.effect.mean for part in found.parts if part.effect] == [np.mean(lsgan), np.mean(ns)]


def test_half_of_a_claim_does_not_answer_it() -> None:
    """The regular GAN is good in 19 of 24 runs: LSGAN is ahead of it, and yet the paper found it good in none."""
    rows = table(rate(24), rate(17))
    assert one(rows, Claim(says="", source="", parts=(AHEAD,))).answer == "reproduced"
    assert one(rows, Claim(says="", source="", parts=(AHEAD, OFTEN, NEVER))).answer == "contradicted"


def test_the_p_of_a_claim_is_that_of_its_parts() -> None:
    """All parts must be significant for it; any of two may be against it, which doubles that p."""
    held = one(table(rate(22), rate(0)), WHOLE)
    assert held.p == max(part.p for part in held.parts if part.p is not None)
    against = one(table(rate(22), rate(19)), WHOLE)
    assert against.p == 2 * (against.parts[1].p or 0)


def test_a_part_without_a_number_stays_open() -> None:
    rows = [row for row in table(rate(22), rate(0)) if row.columns["variant"] == "lsgan"]
    rows += [replace(row, status="failed", numbers={}) for row in table([], rate(24))]
    found = one(rows, WHOLE)
    assert (found.answer, [part.answer for part in found.parts]) == ("inconclusive", ["holds", "open"])
    assert found.parts[1].notes == ("no finished run has stable",)
    assert found.needed is None, "no number of seeds answers what is not measured"


def test_cells_may_differ_in_several_axes() -> None:
    def cell(batchnorm: str, optimizer: str, kl: float) -> list[RunRow]:
        own = {"variant": "ns", "dataset": "digits", "batchnorm": batchnorm, "optimizer": optimizer}
        return [
            RunRow(f"{batchnorm}{optimizer}{seed}", {**own, "seed": seed}, "done", {"kl": kl + seed / 100}, None)
            for seed in range(8)
        ]

    rows = [*cell("discriminator", "rmsprop", 0.1), *cell("none", "adam", 0.2), *cell("none", "rmsprop", 0.9)]
    cells = ({"batchnorm": "discriminator", "optimizer": "rmsprop"}, {"batchnorm": "none", "optimizer": "adam"})
    claim = claim_of(Contrast(metric="kl", better=cells[0], worse=cells[1]))
    found = one(rows, claim)
    assert (found.answer, found.parts[0].n, found.parts[0].notes) == ("reproduced", 8, ())
    assert found.parts[0].effect is not None and found.parts[0].effect.mean == pytest.approx(0.1)
    turned = claim_of(Contrast(metric="kl", better=cells[1], worse=cells[0]))
    assert one(rows, turned).answer == "contradicted"


def test_an_open_claim_says_how_many_seeds_would_answer_it() -> None:
    """A difference of half a standard deviation needs (1.96 + 0.84)^2 / 0.5^2 * pi / 3 = 33 pairs for a power of 0.8 at
    0.05, half of it four times as many. Without a difference no number is given. Rates that differ in 2 of 8 pairs, all
    one way, need ((1.96 * 0.5 + 0.84 * sqrt(0.25 - 0.25^2)) / 0.25)^2 = 28.9 (Connor 1987).
    """
    rng = np.random.default_rng(1)
    noise = rng.normal(size=7)
    noise = (noise - noise.mean()) / noise.std(ddof=1)

    def needed(gap: float) -> int | None:
        return one(table([0.0] * 7, (noise + gap).tolist(), "fd"), claim_of(versus("lsgan", "ns", "fd"))).needed

    assert [needed(1.0 / 2), needed(1.0 / 4), needed(0.0)] == [33, 132, None]
    assert one(table(rate(5, 8), rate(3, 8)), claim_of(versus("lsgan", "ns", "stable"))).needed == 29


KINDS = (
    Part(test=versus("lsgan", "ns", "fd")),
    Part(test=Level(metric="kl", high=0.0), where={"variant": ("ns",)}),
    Part(test=Level(metric="stable", low=0.5), where={"variant": ("lsgan",)}),
)


@pytest.mark.parametrize(("parts", "shift"), [(1, 0.0), (2, 0.0), (3, 0.0), (2, 9.0), (3, 9.0)])
def test_with_no_effect_anywhere_few_suites_answer_anything(parts: int, shift: float) -> None:
    """300 suites of four claims: at most 5 % say anything, which is 15 with a deviation of 3.8.

    The parts are at their borders: two sides alike, a mean and a rate at its bound. With a `shift` the first part of
    each claim holds by far. The others still keep the claim from being true, and nothing contradicts it.
    """
    rng = np.random.default_rng(10 * parts + int(shift))
    claims = tuple(
        Claim(says=str(at), source="", parts=tuple(_on(part, f"o{at}") for part in KINDS[:parts])) for at in range(4)
    )
    found = [verdicts(_null(rng, shift), claims, BETTER) for _ in range(300)]
    assert sum(any(verdict.answer != "inconclusive" for verdict in suite) for suite in found) <= 15 + 2 * 3.8
    if shift:
        assert all(verdict.parts[0].answer == "holds" for suite in found for verdict in suite)


def _on(part: Part, optimizer: str) -> Part:
    return replace(part, where={**part.where, "optimizer": (optimizer,)})


def _null(rng: np.random.Generator, shift: float) -> list[RunRow]:
    """Runs of 12 seeds in four cells of each variant; `shift` is added to the logarithm of the `fd` of `ns`."""
    return [
        RunRow(
            f"{side}{cell}{seed}",
            {"variant": side, "dataset": "digits", "optimizer": f"o{cell}", "seed": seed},
            "done",
            {
                "fd": rng.lognormal(shift * (side == "ns")),
                "kl": rng.normal(),
                "stable": float(rng.random() < 0.5),
            },
            None,
        )
        for cell in range(4)
        for side in ("lsgan", "ns")
        for seed in range(12)
    ]


def study(root: Path, **questions: Any) -> Any:
    """`lsgan` good in all of eight runs and `ns` in none."""
    runs = [Run(variant="lsgan", seed=s, curves={"fd_pixels": [9.0 + s / 10]}) for s in range(8)]
    runs += [Run(seed=s, curves={"fd_pixels": [40.0 + s]}) for s in range(8)]
    outcome = {"digits": OutcomeRule(good=(Condition("fd_pixels", Thresholds(limit=15)),))}
    return write_suite(root, runs, **Questions(outcome=outcome, **questions).as_json())


def test_the_report_shows_every_part_and_the_surrogate(tmp_path: Path) -> None:
    never = replace(NEVER, test=Level(metric="stable", high=0.5), published={"value": Published(0)})
    claim = replace(WHOLE, parts=(OFTEN, never), surrogate=Surrogate("digits", "LSUN bedrooms"))
    store = study(tmp_path, claims=(claim,), differs=("Our images are smaller.",))
    text = format_report(store, "study", "markdown", None)
    assert (
        "good in half of its runs, the other in none (digits): reproduced on digits. lsgan: stable (share of runs)"
        in text
    )
    assert "is 1.00 [0.68, 1.00] over 8 runs, claimed at least 0.5; ns: stable (share of runs) is 0.00" in text
    assert "- Our images are smaller." in text
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    by_name = {row[0]: row for row in cells}
    assert by_name[claim.says][1:3] == ["digits", "reproduced on digits"]
    assert "digits in place of LSUN bedrooms" in by_name[claim.says][8]
    assert by_name["– stable at least 0.5, where variant lsgan"][2:7] == [
        "holds", "stable (share of runs)", "1.00 [0.68, 1.00]", "0.008", "8"
    ]  # fmt: skip
    assert by_name["– stable at most 0.5, where variant ns"][7] == "0 / 0.00 (0.00)"
    for format in ("latex", "html", "json"):
        assert "reproduced on digits" in format_report(store, "study", format, None) or format == "json"


def test_an_unanswerable_claim_gives_its_reason(tmp_path: Path) -> None:
    test = versus("lsgan", "ns", "fd_pixels", within=1)
    claim = replace(claim_of(test, says="both alike", source="a paper"), unanswerable="two seeds show nothing")
    text = format_report(study(tmp_path, claims=(claim,)), "study", "markdown", None)
    assert "this suite cannot answer it: two seeds show nothing" in text
    assert "lsgan against ns: a difference of -34.1" in text and "claimed within 1" in text
