"""The suites that are shipped: each loads, says what it means, and can answer what it claims."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from ganbench.errors import SuiteError
from ganbench.evaluators.base import Metric
from ganbench.report.analysis.claims import Verdict, verdicts
from ganbench.report.analysis.rows import RunRow
from ganbench.results.questions import RATES, Cell, Claim, Contrast, Level, Part
from ganbench.stats import LEVEL
from ganbench.stats.outcomes import Ending
from ganbench.suite import Suite, load

SUITES = Path(__file__).parents[2] / "suites"
PATHS = sorted(SUITES.glob("**/*.yaml"))
ROOT = Path(os.environ["GANBENCH_DATA"]) if os.environ.get("GANBENCH_DATA") else None
STEP = 1e-3  # how far inside or outside a bound a run is

pytestmark = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.relative_to(SUITES).as_posix())


@cache
def loaded(path: Path) -> Suite:
    """The suite. One whose runs are known by the content of files that aren't here is skipped."""
    try:
        return load(path, data_root=ROOT)
    except SuiteError as error:
        absent = [mistake for mistake in error.mistakes if "there is no such file or folder" in mistake.message]
        if len(absent) < len(error.mistakes):
            raise
        pytest.skip(f"{path.name} needs files: {absent[0].message}")


def level_number(test: Level, agrees: bool, metric: Metric) -> float:
    """A number that the metric can have: between the bounds, or beyond one of them."""
    bounds = [bound for bound in (test.low, test.high) if bound is not None]
    tried = (0.0, 1.0) if metric.name in RATES else [bound + side for bound in bounds for side in (-STEP, STEP)]
    can_be = [one for one in tried if metric.low <= one <= metric.high]
    kept = [(test.low is None or one >= test.low) and (test.high is None or one <= test.high) for one in can_be]
    assert agrees in kept, f"no {metric.name} can speak {'for' if agrees else 'against'} {test}"
    return can_be[kept.index(agrees)]


def contrast_number(test: Contrast, agrees: bool, first: bool, metric: Metric) -> float:
    """What the runs of one side have, those of the other being ahead or behind, alike or further apart than allowed."""
    if test.within is not None:
        apart = 1.0 if metric.name in RATES else test.within + STEP
        return 0.0 if agrees or not first else apart
    return float((first == agrees) == (metric.better == "higher"))


def meant(columns: Mapping[str, Any], part: Part, cell: Cell) -> bool:
    """Whether a part is about this run, as one of a cell."""
    return cell.items() <= columns.items() and all(columns[name] in values for name, values in part.where.items())


def number_of(columns: Mapping[str, Any], parts: Sequence[Part], agrees: bool, metric: Metric) -> float | None:
    """The metric of a run that speaks for these parts, or against them; None if no part is about the run.

    A run that is ahead in one contrast and behind in another is between the two other cells.
    """
    for part in parts:
        if isinstance(part.test, Level) and meant(columns, part, {}):
            return level_number(part.test, agrees, metric)
    sides = [
        contrast_number(part.test, agrees, first, metric)
        for part in parts
        if isinstance(part.test, Contrast)
        for first, cell in ((True, part.test.better), (False, part.test.worse))
        if meant(columns, part, cell)
    ]
    return fmean(sides) if sides else None


def run(columns: Mapping[str, Any], claim: Claim, agrees: bool, metrics: Mapping[str, Metric]) -> RunRow:
    """A run that speaks for a claim, or against it, with the numbers of all parts that are about it."""
    by_metric: dict[str, list[Part]] = {}
    for part in claim.parts:
        by_metric.setdefault(part.test.metric, []).append(part)
    numbers = {
        name: value
        for name, parts in by_metric.items()
        if (value := number_of(columns, parts, agrees, metrics[name])) is not None
    }
    return RunRow("a-run", columns, "done", numbers, Ending("stable"))


def answers(suite: Suite, agrees: bool) -> list[Verdict]:
    """The verdict on each claim, on each of its datasets, where all runs agree about it."""
    columns = [spec.columns() for spec in suite.specs]
    metrics = {metric.name: metric for metric in suite.evaluation.metrics}
    metrics |= {name: Metric(name, "higher" if better == "higher" else "lower", 0, 1) for name, better in RATES.items()}
    better = {name: metric.better for name, metric in metrics.items()}
    found: list[Verdict] = []
    for claim in suite.questions.claims:
        runs = [run(one, claim, agrees, metrics) for one in columns]
        found += verdicts(runs, (claim,), better)
    return found


def test_it_loads_and_what_papers_say_is_consistent(path: Path) -> None:
    suite = loaded(path)
    assert suite.specs and suite.about.endswith("?")
    seeds = Counter(str({**spec.columns(), "seed": None}) for spec in suite.specs)
    for claim in suite.questions.claims:
        assert claim.source and not re.search(r"Mao et al.*section \d", claim.source), "its number differs by version"
        for part in claim.parts:
            if isinstance(part.test, Contrast) and part.test.paired:
                assert min(seeds.values()) >= 3, "a comparison needs seeds"
            elif isinstance(part.test, Level) and "value" in part.published:
                low, high, value = part.test.low, part.test.high, part.published["value"].value
                assert (low is None or low <= value) and (high is None or value <= high)


@pytest.mark.parametrize("answer", ["reproduced", "contradicted"])
def test_every_claim_can_be_answered(path: Path, answer: str) -> None:
    """Even where the runs say nothing about any other claim: Holm then multiplies the p of one by the number of all."""
    found = answers(loaded(path), agrees=answer == "reproduced")
    for one in found:
        assert one.answer == answer, one.claim.says
        assert one.p is not None
        assert one.p * len(found) < LEVEL, f"{one.claim.says} on {one.dataset}: {one.n} runs or pairs are too few"


def test_its_name_is_its_own(path: Path) -> None:
    names = Counter(line for other in PATHS for line in other.read_text().splitlines() if line.startswith("name: "))
    (name,) = (line for line in path.read_text().splitlines() if line.startswith("name: "))
    assert names[name] == 1
