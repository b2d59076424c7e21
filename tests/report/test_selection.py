"""A part of a report, a single table, and tables in the width of a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import RequestError
from ganbench.report import Selection, format_study, read_study
from ganbench.report.analysis.study import Study
from ganbench.report.model.document import Table, named, numbered
from ganbench.report.render.terminal import narrow
from ganbench.results.questions import Condition, OutcomeRule, Questions
from ganbench.stats.outcomes import Thresholds
from tests.support.claims import claim_of, versus
from tests.support.synthetic import Run, write_suite

CLAIM = claim_of(versus("lsgan", "ns", "hq"), says="LSGAN is better", source="a paper")
GOOD = {"digits": OutcomeRule(good=(Condition("hq", Thresholds(limit=0.6)),))}
ASKED = Questions(outcome=GOOD, claims=(CLAIM,)).as_json()


def study(root: Path, asked: dict[str, Any] = ASKED) -> Study:
    runs = [Run(variant=v, seed=s, curves={"hq": [0.5 + s / 20]}) for v in ("ns", "lsgan") for s in range(4)]
    return read_study(write_suite(root, runs, **asked), "study", None)


@pytest.mark.parametrize(
    ("part", "wanted"),
    [("claims", ["claims"]), ("outcomes", ["digits-outcomes"]), ("scores", ["digits-headline", "digits-spread"])],
)
def test_a_part_has_its_tables_only(tmp_path: Path, part: Any, wanted: list[str]) -> None:
    found = study(tmp_path)
    text = format_study(found, "latex", Selection(part=part))
    assert [line.split("study-")[1].rstrip("}") for line in text.splitlines() if "label{" in line] == wanted
    assert "## Notes" not in format_study(found, "markdown", Selection(part=part))


def test_any_table_has_a_name_by_which_it_is_chosen(tmp_path: Path) -> None:
    found = study(tmp_path)
    text = format_study(found, "latex", Selection(table="study-digits-spread"))
    assert text.count(r"\begin{table}") == 1 and r"\label{tab:study-digits-spread}" in text
    with pytest.raises(RequestError, match=r"no table 'spread'. allowed: study-claims, study-digits-outcomes, "):
        format_study(found, "latex", Selection(table="spread"))


def test_what_cannot_be_chosen_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"csv has every number\. allowed: markdown, latex, html"):
        format_study(study(tmp_path / "a"), "csv", Selection(part="claims"))
    with pytest.raises(RequestError, match="the suite study has no claims"):
        format_study(study(tmp_path / "b", {}), "markdown", Selection(part="claims"))


@pytest.mark.parametrize("width", [80, 100, 140])
def test_claims_keep_to_the_width_and_answers_stay_whole(width: int) -> None:
    columns = (
        *named("claim", "dataset", "answer", "measure"),
        *numbered("effect [95 %]", "published / ours (difference)", "notes"),
    )
    part = "stable at least 0.25, where batchnorm discriminator; optimizer adam[lr=0.001,beta1=0.5]; variant lsgan"
    rows = (
        ("Batch norm in D only, both collapse", "digits", "CONTRADICTED on digits", "–", "–", "–", "–"),
        (
            part,
            "digits",
            "contradicted",
            "class_kl_uniform (nats)",
            "0.00 [0.00, 0.14]",
            "0.5 / 0.00 (-0.50)",
            "12 of 24 pairs left out: diverged",
        ),
    )
    text = narrow(Table(title="", label="", columns=columns, rows=rows), width)
    assert max(map(len, text.splitlines())) <= width
    for word in ("CONTRADICTED", "contradicted", "0.00 [0.00, 0.14]", "0.5 / 0.00 (-0.50)"):
        assert word in text
    assert "class_kl_uniform" in text or "class_kl_ " in text, "a long name is cut behind a mark"


@pytest.mark.parametrize("width", [48, 60, 80, 200])
def test_a_table_keeps_to_the_width_and_loses_nothing(width: int) -> None:
    columns = (*named("variant", "optimizer"), *numbered("runs", "hq", "fd", "notes"))
    rows = (("lsgan", "adam[lr=0.001,beta1=0.5]", "12", "0.5 [0.4, 0.6]", "9 [8, 10]", "left out by a rule " * 3),)
    text = narrow(Table(title="", label="", columns=columns, rows=rows, bold=frozenset({(0, 3)})), width)
    assert max(map(len, text.splitlines())) <= width
    assert "0.5 [0.4, 0.6]*" in text and "9 [8, 10]" in text, "numbers stay whole"
    blocks = text.split("\n\n")
    assert len(blocks) == 1 if width == 200 else len(blocks) > 1 and all("variant" in block for block in blocks)


def test_only_a_terminal_has_a_width(tmp_path: Path) -> None:
    found = study(tmp_path)
    assert "| variant |" in format_study(found, "markdown")
    assert "| variant |" not in format_study(found, "markdown", width=60)
