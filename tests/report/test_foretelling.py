"""`foretell`: what a suite asks, and which metrics at an early mark foretell how runs end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ganbench.report import format_report
from ganbench.report.analysis.foretelling import Ends, foretelling
from ganbench.results.table import read_results
from ganbench.suite import load
from ganbench.suite.nodes import SuiteError
from tests.support.synthetic import Run, write_suite

RULE = {"good": [{"metric": "hq", "thresholds": {"limit": 0.5}}], "diverse": [], "tail": 0.2}
SUITE = """
name: asks
grid: {variant: [ns], dataset: ring8, seed: 3}
train: {steps: 10}
evaluate: {every: 1, with: [modes]}
outcome: {good: {metric: hq, at_least: 0.5}, diverse: {metric: modes, at_least: 7}}
foretell: 0.1
"""


def studied(root: Path, *, diverged: int = 0) -> tuple[Ends, str]:
    """Two cells of ten runs: fd at the first mark foretells hq at the last within cells, and hq there does not."""
    runs = []
    for place, variant in enumerate(("ns", "lsgan")):
        random = np.random.default_rng(place)
        for seed in range(10):
            late = seed / 20 + place / 2
            curves: dict[str, list[float | None]] = {
                "fd_pixels": [200 - 10 * seed - 100 * place, 0.0, 0.0, 0.0, 0.0],
                "hq": [float(random.uniform()), 0.5, 0.5, 0.5, late],
            }
            status = "diverged" if place == 0 and seed < diverged else "done"
            runs.append(Run(variant=variant, seed=seed, status=status, curves=curves if status == "done" else {}))
    store = write_suite(root, runs, outcome={"digits": RULE}, foretell=0.1, format=2)
    (ends,) = foretelling(read_results(store, "study"))
    return ends, format_report(store, "study", "markdown", None)


def test_a_metric_that_foretells_is_found_and_the_others_are_chance(tmp_path: Path) -> None:
    ends, report = studied(tmp_path)
    assert (ends.dataset, ends.metric, ends.step, ends.runs, ends.left_out) == ("digits", "hq", 1000, 20, 0)
    first, second = ends.rows
    assert (first.metric, second.metric) == ("fd_pixels", "hq") and ends.level == pytest.approx(0.05 / 4)
    assert first.within is not None and second.within is not None and first.pooled is not None
    assert first.within.mean == 1 and first.within.n == 2 * 45
    assert first.pooled.mean == 1, "fd falls along both cells"
    assert second.within.low is not None and second.within.high is not None
    assert second.within.low < 0.5 < second.within.high
    assert "What foretells the end" in report and "End by hq, on digits:" in report
    assert "| fd_pixels ↓  |      **1 [1, 1]** |      **1 [1, 1]** |   20 |" in report


def test_runs_that_diverged_before_the_mark_are_left_out_and_counted(tmp_path: Path) -> None:
    ends, report = studied(tmp_path, diverged=2)
    assert (ends.runs, ends.left_out, ends.rows[0].runs) == (20, 2, 18)
    assert "2 of them had diverged by step 1000" in report


def test_a_suite_asks_with_a_share_of_the_steps(tmp_path: Path) -> None:
    path = tmp_path / "suite.yaml"
    path.write_text(SUITE)
    assert load(path).questions.foretell == 0.1
    for bad, says in {"foretell: 1.5": "foretell = 1.5", "foretell: soon": "foretell = soon"}.items():
        path.write_text(SUITE.replace("foretell: 0.1", bad))
        with pytest.raises(SuiteError, match=says):
            load(path)
    path.write_text("\n".join(line for line in SUITE.splitlines() if not line.startswith("outcome")))
    with pytest.raises(SuiteError, match="foretell needs `outcome`"):
        load(path)
