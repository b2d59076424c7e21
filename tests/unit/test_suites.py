"""The suites that are shipped: each loads, and says what it means."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from ganbench.errors import SuiteError
from ganbench.questions import Contrast
from ganbench.suite import Suite, load

SUITES = Path(__file__).parents[2] / "suites"
PATHS = sorted(SUITES.glob("**/*.yaml"))
ROOT = Path(os.environ["GANBENCH_DATA"]) if os.environ.get("GANBENCH_DATA") else None

pytestmark = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(SUITES).as_posix())


def loaded(path: Path) -> Suite:
    """The suite. One whose runs are known by the content of files that aren't here is skipped."""
    try:
        return load(path, data_root=ROOT)
    except SuiteError as error:
        absent = [mistake for mistake in error.mistakes if "there is no such file or folder" in mistake.message]
        if len(absent) < len(error.mistakes):
            raise
        pytest.skip(f"{path.name} needs files: {absent[0].message}")


def test_it_loads_and_what_papers_say_is_consistent(path: Path) -> None:
    suite = loaded(path)
    assert suite.specs and suite.about.endswith("?")
    seeds = Counter(str({**spec.columns(), "seed": None}) for spec in suite.specs)
    for claim in suite.questions.claims:
        assert claim.source and set(claim.published) <= {"value", "better", "worse"}
        if isinstance(claim.test, Contrast) and claim.test.paired:
            assert min(seeds.values()) >= 3, "a comparison needs seeds"
        elif "value" in claim.published:
            low, high, value = claim.test.low, claim.test.high, claim.published["value"].value
            assert (low is None or low <= value) and (high is None or value <= high)


def test_its_name_is_its_own(path: Path) -> None:
    names = Counter(line for other in PATHS for line in other.read_text().splitlines() if line.startswith("name: "))
    (name,) = (line for line in path.read_text().splitlines() if line.startswith("name: "))
    assert names[name] == 1
