"""What will not fit into memory is said before anything is trained, and workers share what is free."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ganbench.evaluators.fid import FID
from ganbench.executors.inline import Inline
from ganbench.runner import run as running
from ganbench.runner.run import Execution, memory_share, memory_warnings
from ganbench.runner.settings import WorkerSettings
from ganbench.suite import Evaluation, Suite
from ganbench.suite.evaluation import Skipped
from tests.runner.test_plan import seeds, suite

ON_GPU = {"cuda:0": 60, "cuda:1": 80}


def study(tmp_path: Path) -> Suite:
    return suite(*seeds(0, 1), evaluation=Evaluation({"default": 10}, 500, (FID(features="pixels"),)))


def test_workers_share_the_memory_of_the_machine_and_of_each_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "free_memory", lambda: 900)
    monkeypatch.setattr(running, "free_on", ON_GPU.get)
    execution = Execution(Inline(), WorkerSettings(tmp_path), ("cuda:0", "cuda:0", "cuda:1", "cpu"))
    shares = [(worker.device, worker.memory, worker.device_memory) for worker in execution.workers(3)]
    assert shares == [("cuda:0", 300, 30), ("cuda:0", 300, 30), ("cuda:1", 300, 80)]
    assert [worker.memory for worker in execution.workers(1)] == [900]
    assert [worker.device_memory for worker in execution.workers(9)] == [30, 30, 80, None]


def test_a_machine_that_does_not_tell_has_no_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "free_memory", lambda: None)
    assert memory_share(3) is None


def test_what_does_not_fit_is_named_once_for_each_dataset(tmp_path: Path) -> None:
    (text,) = memory_warnings(study(tmp_path), None, 10**6)
    notation = study(tmp_path).specs[0].dataset.notation()
    assert text.startswith(f"{notation}: fid[features=pixels] will be left out at every mark: it needs about")
    assert not list(memory_warnings(study(tmp_path), None, 10**12))


def test_what_is_not_evaluated_anyway_is_not_named(tmp_path: Path) -> None:
    whole = study(tmp_path)
    skip = Skipped(whole.specs[0].dataset.notation(), "fid[features=pixels]", "it makes no sense")
    evaluation = replace(whole.evaluation, skipped=(skip,))
    assert not list(memory_warnings(replace(whole, evaluation=evaluation), None, 10**6))
