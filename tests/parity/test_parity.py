"""The reference cases of `ganbench parity`: each agrees here, and a wrong number is reported."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ganbench import parity
from ganbench.cli import main
from ganbench.parity import CASES, Case, measure_case

pytestmark = pytest.mark.golden

QUICK = [case for case in CASES if not case.slow]


@pytest.mark.parametrize("case", QUICK, ids=[case.name for case in QUICK])
def test_case(case: Case, tmp_path: Path) -> None:
    result = measure_case(case, tmp_path)
    assert result.agrees, f"expected {case.expected} within {case.tolerance}, got {result.got}"


def test_the_published_values_are_there() -> None:
    """Parzen, Inception score, FID, KID, high quality, and the authors' own run of their PRDC code."""
    known = {case.expected for case in CASES}
    published = {-0.725791, -1.696934, 1.444935, 1.107106, 6.0, 89.0909, -2.375, 0.98889, 0.477, 0.4705, 1.0555, 0.9735}
    assert published <= known
    assert len({case.name for case in CASES}) == len(CASES)


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["ganbench", "parity", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_the_command_prints_expected_got_and_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parity, "CASES", CASES[:2])
    assert typed(monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["case", "expected", "got", "difference", "tolerance"]
    assert len(lines) == 3 and "-0.725791" in lines[1] and lines[1].rstrip().endswith("5e-07")


def test_a_miss_is_printed_and_exits_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    absent = replace(CASES[1], metric="no such metric")
    monkeypatch.setattr(parity, "CASES", (CASES[0], replace(CASES[0], expected=-0.7258), absent))
    assert typed(monkeypatch) == 1
    told = capsys.readouterr()
    assert [line.endswith("MISS") for line in told.out.splitlines()[1:]] == [False, True, True]
    assert "2 of 3 cases miss" in told.err
    assert typed(monkeypatch, "--json") == 1
    cases = json.loads(capsys.readouterr().out)["cases"]
    assert [case["agrees"] for case in cases] == [True, False, False] and cases[2]["got"] is None
