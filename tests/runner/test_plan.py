"""Plans: what is done, what failed, what is to do, and which marks lack scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ganbench.evaluators.modes import ModeCoverage
from ganbench.results.files import write_json
from ganbench.results.questions import Questions
from ganbench.results.store import State, Store
from ganbench.runner import plan
from ganbench.runner.job import Job, spec_file
from ganbench.runner.packing import Packing
from ganbench.spec import RunSpec
from ganbench.suite import Evaluation, Excluded, Suite
from ganbench.variants.lsgan import LSGAN
from ganbench.variants.ns import NonSaturating
from tests.support.jobs import SPEC

KEY = "modes v1 n=50"
ALONE = Packing(1)
DONE = State("done", step=20, scored={KEY: [10, 20]})


def suite(*specs: RunSpec, **changes: Any) -> Suite:
    evaluation = Evaluation({"default": 10}, 50, (ModeCoverage(),))
    own = {"name": "study", "about": "", "path": Path("study.yaml"), "specs": specs, "excluded": (), "select": "last"}
    return Suite(
        **{**own, "evaluation": evaluation, "axes": ("seed",), "plugins": (), "questions": Questions(), **changes}
    )


def seeds(*numbers: int, **changes: Any) -> tuple[RunSpec, ...]:
    return tuple(replace(SPEC, seed=seed, **changes) for seed in numbers)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path).open()


def write(store: Store, spec: RunSpec, state: State) -> None:
    """A run folder with a spec, a row of each score that the state tells of, and the state."""
    folder = store.run(spec.run_id())
    write_json(folder.path / "spec.json", spec_file(spec))
    rows = [{"step": m, "time": 1.0, "metric": "hq", "value": 0.5, "evaluator": key, "n": 50, "fingerprint": {}}
            for key, marks in state.scored.items() for m in marks]  # fmt: skip
    folder.append("scores.jsonl", rows)
    folder.write_state(state)


def test_every_run_has_one_fate(store: Store) -> None:
    done, failed, stopped, fresh, damaged, diverged, unscored = specs = seeds(*range(7))
    write(store, done, DONE)
    write(store, failed, State("failed", error="OSError"))
    write(store, stopped, State("running", step=7))
    write(store, damaged, DONE)
    (store.run(damaged.run_id()).path / "state.json").write_text("{")
    write(store, diverged, State("diverged", step=15, diverged={"step": 13, "term": "d/real"}, scored={KEY: [10]}))
    write(store, unscored, replace(DONE, scored={KEY: [20]}))
    excluded = Excluded(replace(SPEC, batch=9), "too odd")
    found = plan.make(suite(*specs, excluded=(excluded,)), store, ALONE)
    assert found.done == (done, diverged) and found.failed == (failed,)
    assert [job.specs for job in found.jobs] == [(stopped,), (fresh,), (damaged,), (unscored,)]
    assert len(found.damaged) == 1 and damaged.run_id() in found.damaged[0]
    assert found.to_run == 4
    assert found.headline("2 workers on cpu") == (
        "study: 8 runs = 2 done + 1 failed before (--retry-failed runs them again) + 1 excluded + 4 to run; "
        "2 workers on cpu"
    )


def test_failed_runs_are_tried_again_when_told(store: Store) -> None:
    (spec,) = seeds(0)
    write(store, spec, State("failed", error="OSError"))
    found = plan.make(suite(spec), store, retry_failed=True)
    assert found.failed == () and found.to_run == 1


def test_a_fresh_folder_and_a_finished_one(store: Store) -> None:
    specs = seeds(0, 1)
    assert plan.make(suite(*specs), store, ALONE).headline("w") == "study: 2 runs = 0 done + 2 to run; w"
    packed = plan.make(suite(*specs), store).headline("w")
    assert packed == "study: 2 runs = 0 done + 2 to run in 1 pack of up to 2 seeds; w"
    for spec in specs:
        write(store, spec, DONE)
    found = plan.make(suite(*specs), store)
    assert found.headline("w") == "study: 2 runs = 2 done + 0 to run; w" and found.jobs == ()


def test_jobs_say_when_and_how_to_score(store: Store) -> None:
    (job,) = plan.make(suite(*seeds(0)), store).jobs
    assert job == Job(seeds(0), (10, 20), 50, (ModeCoverage(),), pack=(0,))


# --- packs ---


@dataclass(frozen=True, kw_only=True)
class Alone(NonSaturating):
    stackable = False


@pytest.mark.parametrize(("size", "widths"), [(1, [1] * 5), (2, [2, 2, 1]), (4, [3, 2]), (5, [5]), (99, [5])])
def test_packs_hold_seeds_of_one_cell(store: Store, size: int, widths: list[int]) -> None:
    specs = (*seeds(0, 1, 2), *seeds(0, 1, 2, variant=LSGAN()), *seeds(3, 4))
    jobs = plan.make(suite(*specs), store, Packing(size)).jobs
    assert sorted(spec.run_id() for job in jobs for spec in job.specs) == sorted(spec.run_id() for spec in specs)
    assert all(len({replace(spec, seed=0) for spec in job.specs}) == 1 for job in jobs)
    assert [len(job.specs) for job in jobs if job.specs[0].variant == NonSaturating()] == widths


def test_runs_that_were_begun_alone_stay_out_of_packs(store: Store) -> None:
    specs = seeds(0, 1, 2)
    write(store, specs[1], DONE)
    write_json(store.run(specs[1].run_id()).path / "env.json", {"pack": 1})  # as 0.1 wrote it
    (job,) = plan.make(suite(*specs), store, Packing(8)).jobs
    assert job.specs == (specs[0], specs[2]) and job.pack == (0, 2)


def test_a_variant_that_cannot_be_stacked_is_never_packed(store: Store) -> None:
    jobs = plan.make(suite(*seeds(0, 1, variant=Alone())), store, Packing(8)).jobs
    assert [len(job.specs) for job in jobs] == [1, 1]


# --- marks that lack scores ---

MORE = ModeCoverage(within=5.0)
JOB = Job((SPEC,), (5, 10, 20), 50, (ModeCoverage(), MORE))
BOTH = (KEY, "modes[within=5] v1 n=50")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State("done", step=20), {5: BOTH, 10: BOTH, 20: BOTH}),
        (State("done", step=20, scored={KEY: [5, 10, 20]}), {mark: BOTH[1:] for mark in (5, 10, 20)}),
        (State("done", step=20, scored={key: [10, 20] for key in BOTH}), {5: BOTH}),
        (State("done", step=20, scored={key: [5, 10, 15, 20] for key in BOTH}), {}),
        (State("done", step=20, scored={KEY.replace("50", "9"): [5, 10, 20]}), {5: BOTH, 10: BOTH, 20: BOTH}),
        (State("diverged", step=10, diverged={"step": 10, "term": "g/fake"}), {5: BOTH}),
        (State("diverged", step=12, diverged={"step": 11, "term": "g/fake"}), {5: BOTH, 10: BOTH}),
        (State("diverged", step=5, diverged={"step": 1, "term": "d/real"}), {}),
    ],
)
def test_missing_marks(state: State, expected: dict[int, tuple[str, ...]], store: Store) -> None:
    assert plan.missing(JOB, state) == expected
    assert plan.complete(JOB, state) == (not expected)


@pytest.mark.parametrize("status", ["running", "failed"])
def test_an_unfinished_run_is_never_complete(status: Any, store: Store) -> None:
    full = State(status, step=20, scored={key: [5, 10, 20] for key in BOTH})
    assert not plan.complete(JOB, full)
    assert not plan.complete(JOB, None)
