"""In CI a skip that is not on the list is a failure."""

from __future__ import annotations

import pytest

from tests.support.skips import in_ci, refuse

PLACE = ("tests/test_x.py", 1)


def skipped(reason: str) -> pytest.TestReport:
    return pytest.TestReport("x", ("x", 1, "x"), {}, "skipped", (*PLACE, reason), "call")


@pytest.mark.parametrize("reason", ["Skipped: GANBENCH_DATA is not set", "Skipped: lsun.yaml needs files: lsun"])
def test_a_listed_skip_stays_one(reason: str) -> None:
    assert refuse(skipped(reason)).outcome == "skipped"


@pytest.mark.parametrize("reason", ["Skipped: no Chromium is installed", "Skipped: could not import 'lmdb'", ""])
def test_another_skip_fails(reason: str) -> None:
    report = refuse(skipped(reason))
    assert report.outcome == "failed" and "tests/support/skips.py" in str(report.longrepr)


def test_an_expected_failure_is_no_skip() -> None:
    report = skipped("reason")
    report.wasxfail = "it is known"
    assert refuse(report).outcome == "skipped"


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("", False), ("false", False)])
def test_ci_is_what_the_variable_says(value: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", value)
    assert in_ci() == expected
