"""The claims of a suite on a second results folder with other seeds: both answers, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import RequestError
from ganbench.report import format_study, publish, read_study
from ganbench.report.analysis.claims import Answer, Verdict
from ganbench.report.analysis.replication import Replication
from ganbench.report.model.claim_text import confirmed_answers
from ganbench.results.questions import Claim, Condition, OutcomeRule, Questions
from ganbench.results.store import Store
from ganbench.stats.outcomes import Thresholds
from tests.e2e.conftest import within
from tests.support.claims import claim_of, versus
from tests.support.synthetic import Run, write_suite

AHEAD = claim_of(versus("lsgan", "ns", "fd_pixels"), says="LSGAN is better", source="a paper")
MORE = claim_of(versus("lsgan", "ns", "hq"), says="LSGAN has more good samples", source="a paper")
LEVELS = {"ahead": (9.0, 40.0), "behind": (40.0, 9.0)}


def results(root: Path, side: str, seeds: range, claims: tuple[Claim, ...] = (AHEAD, MORE), **manifest: Any) -> Store:
    """`lsgan` ahead of `ns` by one metric, or behind, and no difference by the other one."""
    runs = [
        Run(variant=variant, seed=s, curves={"fd_pixels": [LEVELS[side][at] + s / 10], "hq": [0.5 + (s + at) % 2 / 10]})
        for s in seeds
        for at, variant in enumerate(("lsgan", "ns"))
    ]
    return write_suite(root, runs, **Questions(claims=claims).as_json(), **manifest)


def both(folder: Path, side: str, seeds: range = range(8, 16), **manifest: Any) -> Any:
    first, second = results(folder / "a", "ahead", range(8)), results(folder / "b", side, seeds, **manifest)
    return read_study(first, "study", None, second)


def row(text: str, begins: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {begins}") and line.count("|") == 6)
    return [cell.strip() for cell in line.split("|")[1:-1]]


@pytest.mark.parametrize(
    ("side", "other", "again", "says"),
    [
        ("ahead", "reproduced", "yes", "1 of 1 answer confirmed on seeds 8 to 15."),
        ("behind", "CONTRADICTED", "no", "0 of 1 answer confirmed on seeds 8 to 15, 1 reversed."),
    ],
)
def test_both_answers_stand_side_by_side(tmp_path: Path, side: str, other: str, again: str, says: str) -> None:
    study = both(tmp_path, side)
    text = format_study(study, "markdown")
    assert says in text
    assert row(text, "claim") == ["claim", "dataset", "seeds 0 to 7", "seeds 8 to 15", "confirmed"]
    assert row(text, "LSGAN is better") == ["LSGAN is better", "digits", "reproduced", other, again]
    assert row(text, "LSGAN has more")[2:] == ["inconclusive", "inconclusive", "–"]


def test_every_format_has_them(tmp_path: Path) -> None:
    study = both(tmp_path, "behind")
    page, latex, body = (format_study(study, format) for format in ("html", "latex", "json"))
    assert "Again: LSGAN is better (digits): CONTRADICTED." in page and "reversed" in page
    assert r"\label{tab:study-claims-replication}" in latex and "seeds 8 to 15" in latex and "reversed" in latex
    found = json.loads(body)["replication"]
    assert found["seeds"] == list(range(8, 16))
    assert [claim["answer"] for claim in found["claims"]] == ["contradicted", "inconclusive"]
    names = [path.name for path in publish(study, tmp_path / "published")]
    assert "tidy.csv" in names and "tidy-replication.csv" in names
    assert ",8,done," in (tmp_path / "published/tidy-replication.csv").read_text()


def test_the_replication_has_looks_of_its_own(tmp_path: Path) -> None:
    """Eight pairs at 0.025 are enough for one claim of two, and the second look awaits runs."""
    study = both(tmp_path, "ahead", looks=[8, 16])
    assert [(found.answer, found.look) for found in study.replication.verdicts] == [
        ("reproduced", 8),
        ("inconclusive", 8),
    ]


RULE = {"digits": OutcomeRule(good=(Condition("fd_pixels", Thresholds(limit=15)),))}


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({"seeds": range(4, 12)}, "has seeds here that the results to replicate have too: 4 to 7"),
        ({"claims": (AHEAD,)}, "has other claims here"),
        ({"claims": ()}, "has other claims here"),
        ({"outcome": Questions(outcome=RULE).as_json()["outcome"]}, "has other outcome here"),
        ({"runs": {"x-s9-0123456789": Run(seed=9, columns={"batch": 1}).described()}}, "has other cells here"),
    ],
    ids=["seeds", "claims", "none", "outcome", "cells"],
)
def test_other_studies_and_the_same_seeds_are_refused(tmp_path: Path, asked: dict[str, Any], given: str) -> None:
    manifest = {"seeds": range(8, 16)} | asked
    claims, seeds = manifest.pop("claims", (AHEAD, MORE)), manifest.pop("seeds")
    first, second = results(tmp_path / "a", "ahead", range(8)), results(tmp_path / "b", "ahead", seeds, claims)
    if manifest:
        path = second.manifest_path("study")
        body = json.loads(path.read_text()) | manifest
        path.write_text(json.dumps(body | {"marks": {run_id: [1000] for run_id in body["runs"]}}))
    with pytest.raises(RequestError, match=given) as error:
        read_study(first, "study", None, second)
    assert error.value.where == str(tmp_path / "b") and error.value.allowed and "grid.seed" in error.value.todo


def test_a_suite_without_claims_has_nothing_to_replicate(tmp_path: Path) -> None:
    first, second = (results(tmp_path / name, "ahead", range(at, at + 8), ()) for name, at in (("a", 0), ("b", 8)))
    with pytest.raises(RequestError, match=r"--replication: study has no claims\. a suite with claims\. leave it out"):
        read_study(first, "study", None, second)


OPEN = Verdict(AHEAD, "digits", "inconclusive", ())


@pytest.mark.parametrize(
    ("here", "there", "says"),
    [
        ("rrrc", "rrrc", "4 of 4 answers confirmed on seeds 1, 3."),
        ("rrrco", "rcocr", "2 of 4 answers confirmed on seeds 1, 3, 1 stayed open there, 1 reversed,"
         " and 1 answer is new there."),
        ("oo", "ro", "No claim has an answer to confirm on seeds 1, 3."),
    ],
)  # fmt: skip
def test_confirmed_answers_in_words(here: str, there: str, says: str) -> None:
    kinds: dict[str, Answer] = {"r": "reproduced", "c": "contradicted", "o": "inconclusive"}

    def verdicts(letters: str) -> tuple[Verdict, ...]:
        pairs = enumerate(letters)
        return tuple(replace(OPEN, claim=replace(AHEAD, says=str(at)), answer=kinds[one]) for at, one in pairs)

    found = Replication(results=None, first=(0, 2), seeds=(1, 3), verdicts=verdicts(there))  # type: ignore[arg-type]
    assert confirmed_answers(verdicts(here), found) == says


def test_the_command(tmp_path: Path) -> None:
    both(tmp_path, "ahead")
    done = within(tmp_path, "report", "study", "--results", "a", "--replication", "b")
    assert done.returncode == 0 and "1 of 1 answer confirmed" in done.stdout
    for words, given in [
        (("study", "--results", "a", "--replication", "a"), "has seeds here"),
        (("study", "--results", "a", "--replication", "nowhere"), "no suite 'study' has run here"),
        (("a/", "b/", "--replication", "b"), "it tests the claims of one suite on other seeds. one suite"),
    ]:
        done = within(tmp_path, "report", *words)
        assert done.returncode == 2 and given in done.stderr and "Traceback" not in done.stderr
