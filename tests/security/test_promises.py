"""SECURITY.md is true: each of its promises names tests that exist, and every file of these tests is named."""

from __future__ import annotations

import re

from tests.support.pages import ROOT, text


def test_each_promise_has_its_tests() -> None:
    rows = [line for line in text("SECURITY.md").splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`(tests/security/test_\w+\.py)` \|$", row) for row in rows]
    assert len(rows) > 8 and all(named)
    files = {f"tests/security/{path.name}" for path in (ROOT / "tests" / "security").glob("test_*.py")}
    assert {name for names in named for name in names} == files - {"tests/security/test_promises.py"}


def test_the_page_is_linked() -> None:
    for page in (
        "docs/index.md",
        "docs/reference/metrics.md",
        "docs/reference/suite-file.md",
        "CONTRIBUTING.md",
        "README.md",
    ):
        assert "SECURITY.md" in text(page), page
