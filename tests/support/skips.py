"""What may be skipped in continuous integration: there every other skip is a failure, since it would go unnoticed."""

from __future__ import annotations

import os
import re
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

ALLOWED = {  # a pattern of the reason, and why CI can't do without the skip
    "GANBENCH_DATA is not set": "the published data sets can't be shipped with the tests",
    "not in the data folder": "some published data sets may not be passed on",
    "needs files": "a suite on such data sets is known by their content",
    "no GPU": "most machines have none",
}


def is_allowed(reason: str) -> bool:
    return any(re.search(pattern, reason) for pattern in ALLOWED)


def in_ci() -> bool:
    """Whether CI runs the tests; every usual service sets the variable, and so does `.ci/run`."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def refuse(report: Report) -> Report:
    """A skip that is not on the list becomes a failure; an expected failure is no skip."""
    if report.outcome == "skipped" and "wasxfail" not in vars(report):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not is_allowed(reason):
            report.outcome = "failed"
            report.longrepr = f"{reason}: CI skips only what tests/support/skips.py lists"
    return report
