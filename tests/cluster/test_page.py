"""The page on clusters: its commands are those that the tests run, and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cluster.commands import ELSEWHERE, PAGE, RUN
from tests.support.pages import ROOT, console, text

HERE = Path(__file__).parent


def test_every_command_is_run_or_has_a_reason() -> None:
    assert set(console(PAGE)) == {*RUN.values(), *ELSEWHERE}
    sources = "".join(path.read_text() for path in HERE.glob("test_*.py") if path != Path(__file__))
    assert [name for name in RUN if f'documented("{name}"' not in sources] == []


def test_the_tests_of_the_table_of_failures_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`, `(test_\w+)`", text(PAGE))
    assert len(named) >= 14
    for file, name in named:
        assert f"def {name}(" in (ROOT / file).read_text(), f"{file} has no {name}"
