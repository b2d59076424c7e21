"""A run goes on when an evaluator fails; the reason stands in the run's folder, in `show` and in the report's notes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from ganbench.cli.show import run_text
from ganbench.evaluators.base import Evaluator, FeatureName, Metric, Reference, Score, View
from ganbench.evaluators.modes import ModeCoverage
from ganbench.executors import inline
from ganbench.results.store import RunFolder, Store
from ganbench.runner import plan
from ganbench.runner.events import Ended
from ganbench.runner.settings import WorkerSettings
from tests.support.jobs import JOB


@dataclass(frozen=True, kw_only=True)
class Fails(Evaluator):
    """Gives NaN for `nothing`; fails at its second call."""

    version: ClassVar[int] = 1
    source: ClassVar[str] = "none"
    calls: ClassVar[list[int]] = []

    def metrics(self) -> tuple[Metric, ...]:
        return (Metric("nothing", "lower"),)

    def needs(self) -> tuple[FeatureName, ...]:
        return ()

    def unsupported(self, space: object, samples: int, modes: bool) -> str | None:
        return None

    def __call__(self, fake: View, real: Reference, rng: torch.Generator) -> dict[str, Score]:
        self.calls.append(len(self.calls))
        if len(self.calls) == 2:
            raise torch.linalg.LinAlgError("the matrix is singular")  # type: ignore[attr-defined]
        return {"nothing": Score(float("nan"), None, len(fake), 0)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunFolder]:
    """The folder of a run that was scored by an evaluator without a number."""
    monkeypatch.setattr(Fails, "calls", [])
    job = replace(JOB, evaluators=(Fails(), ModeCoverage()))
    (outcome,) = inline.Inline().run([job], [WorkerSettings(tmp_path)], lambda event: None)
    assert isinstance(outcome, Ended)
    assert (outcome.status, outcome.error) == ("done", None)
    state = Store(tmp_path).run(outcome.run_id).check()
    assert state is not None
    assert plan.complete(job, state)
    yield Store(tmp_path).run(outcome.run_id)


def test_the_run_is_done_with_the_scores_of_the_others(folder: RunFolder) -> None:
    content = folder.read()
    assert content is not None
    assert {(row["step"], row["metric"]) for row in content.scores()} >= {(10, "modes"), (20, "modes")}
    assert not any(row["metric"] == "nothing" for row in content.scores())
    found = [(row["step"], row["metric"], row["because"]) for row in content.absent()]
    singular = "it failed with LinAlgError: the matrix is singular"
    assert found == [(10, "nothing", "its value is nan"), (20, "", singular)]


def test_the_reasons_are_shown_and_the_log_says_where_the_error_arose(folder: RunFolder) -> None:
    shown = run_text(folder)
    assert "absent:\n  nothing at 10: its value is nan\n  test_absent_scores v1 n=50 at 20: it failed with Lin" in shown
    log = "\n".join(folder.log_end())
    assert "step 10: test_absent_scores: nothing is absent: its value is nan" in log
    assert 'test_absent_scores.py", line' in log


def test_the_reasons_are_sealed(folder: RunFolder) -> None:
    state = folder.state()
    assert state is not None
    assert "absent.jsonl" in state.sealed
