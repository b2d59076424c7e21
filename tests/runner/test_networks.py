"""Evaluators of networks in a run: scores like any other, and a finished run that lacks them is trained again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.evaluators.gradient_cosine import GradientCosine
from ganbench.evaluators.jacobian import Jacobian
from ganbench.executors.inline import Inline
from ganbench.results.store import Store
from ganbench.runner.job import Job
from ganbench.runner.settings import WorkerSettings
from tests.support.jobs import JOB
from tests.support.rows import file_rows

WATCHED = replace(JOB, evaluators=(*JOB.evaluators, Jacobian(latents=2), GradientCosine()))


def done(root: Path, job: Job) -> dict[tuple[int, str], Any]:
    """The scores of the run after this job, by step and metric."""
    store = Store(root).open()
    ended = Inline().run([job], [WorkerSettings(store.root)], lambda event: None)
    assert [end.status for end in ended] == ["done"]
    return {(row["step"], row["metric"]): row["value"] for row in file_rows(store.run(job.run_ids[0]), "scores.jsonl")}


def test_a_run_with_them_has_the_other_scores_of_one_without(tmp_path: Path) -> None:
    plain, watched = done(tmp_path / "plain", JOB), done(tmp_path / "watched", WATCHED)
    assert {key: watched[key] for key in plain} == plain
    added = {metric for _, metric in watched.keys() - plain.keys()}
    assert added == {"jacobian_log_condition", "jacobian_log_condition_sd", "g_gradient_cosine", "d_gradient_cosine"}


def test_a_finished_run_that_lacks_them_is_trained_again_to_the_same_scores(tmp_path: Path) -> None:
    done(tmp_path / "later", JOB)
    assert done(tmp_path / "later", WATCHED) == done(tmp_path / "at once", WATCHED)
