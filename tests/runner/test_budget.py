"""A budget leaves out marks, never the last: which ones may depend on the clock, the scores' values may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.evaluators.modes import ModeCoverage
from ganbench.plugins import Registry
from ganbench.report import format_report
from ganbench.results import table
from ganbench.results.manifest import write_manifest
from ganbench.results.store import RunFolder, State, Store
from ganbench.runner import plan, recorder, worker
from ganbench.runner.job import Job, decode, encode
from ganbench.runner.recorder import Recorder, affords
from ganbench.runner.run import manifest
from ganbench.runner.settings import WorkerSettings
from ganbench.suite import load
from tests.support.jobs import SPEC
from tests.support.rows import file_rows

MARKS = tuple(range(1, 21))
JOB = Job((SPEC,), MARKS, 20, (ModeCoverage(),))
SPARING = replace(JOB, budget=0.2)
KEY = next(iter(JOB.wanted()))


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Clock:
    """A second a step, `cost` seconds a scored mark."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cost: float) -> None:
        self.now = 0.0
        train, score = worker.train, Recorder.score

        def training(*args: Any) -> Iterator[Any]:
            for snapshot in train(*args):
                self.now += 1
                yield snapshot

        def scoring(*args: Any) -> None:
            self.now += cost
            score(*args)

        monkeypatch.setattr(recorder, "time", SimpleNamespace(monotonic=lambda: self.now, time=lambda: 0.0))
        monkeypatch.setattr(worker, "train", training)
        monkeypatch.setattr(Recorder, "score", scoring)


def filled(job: Job, root: Path, **options: Any) -> RunFolder:
    store = Store(root).open()
    worker.Worker(WorkerSettings(root), lambda event: None, **options).fill(job)
    return store.run(job.run_ids[0])


def values(folder: RunFolder) -> dict[tuple[int, str], float]:
    return {(row["step"], row["metric"]): row["value"] for row in file_rows(folder, "scores.jsonl")}


def state(folder: RunFolder) -> State:
    found = folder.check()
    assert found is not None
    return found


@pytest.mark.parametrize(("cost", "scored"), [(0.01, len(MARKS)), (1.0, 4), (50.0, 2)])
def test_the_dearer_a_mark_the_fewer_are_scored(
    cost: float, scored: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch, cost)
    found = state(filled(SPARING, tmp_path))
    assert len(found.scored[KEY]) == scored and {1, 20} <= set(found.scored[KEY])
    assert sorted((*found.scored[KEY], *found.skipped_marks)) == list(MARKS)
    assert found.evaluation_seconds == pytest.approx(cost * scored)
    if cost < 2:  # two marks, the first one to learn the cost and the last, are the least
        assert found.evaluation_seconds <= 0.2 * found.seconds


def test_what_is_made_once_for_all_runs_is_no_part_of_the_first_ones_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, 1.0)
    alone = state(filled(SPARING, tmp_path / "alone"))
    score, once = Recorder.score, iter([1000.0])

    def preparing(run: Recorder, *args: Any) -> None:
        spent = next(once, 0.0)
        clock.now += spent
        run.real.cache.making.seconds += spent  # a classifier is trained, or another process's is waited for
        score(run, *args)

    monkeypatch.setattr(Recorder, "score", preparing)
    first = state(filled(SPARING, tmp_path / "first"))
    assert (first.scored, first.skipped_marks) == (alone.scored, alone.skipped_marks)
    assert (first.seconds, first.evaluation_seconds) == pytest.approx((alone.seconds, alone.evaluation_seconds))


def test_a_thinned_run_is_complete_and_its_values_are_those_of_a_full_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = values(filled(JOB, tmp_path / "full"))
    Clock(monkeypatch, 1.0)
    folder = filled(SPARING, tmp_path / "thinned")
    skipped_marks, found = values(folder), state(folder)
    assert 0 < len(skipped_marks) < len(full) and skipped_marks.items() <= full.items()
    assert plan.complete(SPARING, found) and not plan.complete(JOB, found)
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    filled(SPARING, tmp_path / "thinned")
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before
    monkeypatch.setattr(worker, "train", lambda *args: pytest.fail("trained again"))
    assert values(filled(JOB, tmp_path / "thinned")) == full
    assert plan.complete(JOB, state(folder))


def test_a_stopped_run_goes_on_within_its_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = values(filled(JOB, tmp_path / "full"))
    Clock(monkeypatch, 1.0)
    looks = iter(range(100))
    with pytest.raises(worker.Stopped):
        filled(SPARING, tmp_path / "stopped", stopping=lambda: next(looks) == 11)
    found = state(filled(SPARING, tmp_path / "stopped"))
    assert found.status == "done" and sorted((*found.scored[KEY], *found.skipped_marks)) == list(MARKS)
    assert found.skipped_marks == sorted(found.skipped_marks) and 20 in found.scored[KEY]
    assert values(Store(tmp_path / "stopped").run(JOB.run_ids[0])).items() <= full.items()


def test_a_pack_thins_all_its_runs_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch, 0.5)
    pack = replace(SPARING, specs=(SPEC, replace(SPEC, seed=1)))
    filled(pack, tmp_path)
    one, other = (state(Store(tmp_path).run(run_id)) for run_id in pack.run_ids)
    assert one.skipped_marks == other.skipped_marks and one.scored == other.scored and len(one.scored[KEY]) == 4
    assert one.evaluation_seconds + other.evaluation_seconds <= 0.2 * one.seconds + 1


@given(st.floats(0, 1), st.floats(0, 100), st.floats(0.001, 100), st.floats(0, 1000))
def test_what_is_afforded_leaves_room_for_the_last_mark(budget: float, spent: float, cost: float, rest: float) -> None:
    elapsed = spent + rest
    if affords(budget, spent, cost, elapsed):
        assert (spent + 2 * cost) <= budget * (elapsed + 2 * cost)
    assert affords(None, spent, cost, elapsed)


def test_a_job_carries_its_budget() -> None:
    assert decode(encode(SPARING), Registry.of()) == SPARING


SUITE = """\
name: sparing
grid: {variant: ns, dataset: ring8}
train: {steps: 20, batch: 8, network: {kind: mlp, z: 4, g_widths: [8], d_widths: [8]}}
evaluate: {every: 1, samples: 20, with: [modes], budget: 0.2}
select: tail
"""


def test_a_suite_states_it_and_the_report_says_what_it_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sparing.yaml").write_text(SUITE)
    suite = load(tmp_path / "sparing.yaml")
    Clock(monkeypatch, 1.0)
    job = plan.job_of(suite, suite.specs)
    assert job.budget == 0.2
    found = state(filled(job, tmp_path))
    store = Store(tmp_path)
    write_manifest(store, manifest(suite))
    results = table.read_results(store, suite.name)
    assert results.marks[job.run_ids[0]] == tuple(found.scored[KEY])
    share = found.evaluation_seconds / found.seconds
    assert results.evaluation_share == pytest.approx(share) and 0 < share <= 0.2
    told = format_report(store, suite.name, "markdown", None)
    assert f"Evaluation took {share:.0%} of the runs' wall time; the suite allows 20% and skips evaluations" in told
    assert "modes" in told.split("## Notes")[0]
