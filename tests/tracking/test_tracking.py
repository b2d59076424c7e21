"""The MLflow mirror, seen through MLflow's own client. Run folders are synthetic; one database serves the module."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ganbench.errors import RequestError
from ganbench.results.files import write_json
from ganbench.results.manifest import Manifest, MetricInfo, write_manifest
from ganbench.results.questions import Condition, OutcomeRule, Questions
from ganbench.results.store import RunFolder, State, Store
from ganbench.stats.outcomes import Thresholds
from ganbench.tracking import LoggedModels, Mirror, Synced, default_uri, log_models, resolve, sync
from ganbench.tracking.connection import Connection, experiment, reason
from ganbench.tracking.marker import claim, marked
from ganbench.tracking.place import artifact_location, shown

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

SPEC = {
    "format": 1,
    "variant": {"kind": "lsgan", "version": 1, "a": 0, "b": 1, "c": 1},
    "dataset": {"kind": "ring8", "version": 1, "radius": 2.5},
    "network": {"kind": "mlp", "widths": [128, 128], "batchnorm": "none"},
    "batch": 64,
    "schedule": {"order": "d_first", "d_steps": None, "reuse_z": False},
}
COLUMNS = {"variant": "lsgan", "dataset": "ring8", "optimizer": "adam[lr=0.0002]", "seed": 3, "batch": 64}
MANIFEST = Manifest(
    suite="",
    version="0",
    about="",
    runs={},
    marks={},
    axes=("seed",),
    select="last",
    metrics={},
    scores=(),
    samples=100,
)


def begin(store: Store, run_id: str) -> RunFolder:
    folder = store.run(run_id)
    write_json(folder.path / "spec.json", {"run_id": run_id, "spec": SPEC, "columns": COLUMNS})
    write_json(folder.path / "env.json", {"device": "cpu", "torch": "2.9"})
    folder.write_state(State(status="running"))
    return folder


def terms(*steps: int, begun: float = 1000.0, shift: float = 0.0) -> list[dict[str, Any]]:
    return [
        {"step": step, "time": begun + step, "terms": {"d/real": 1 / step + shift, "g/fake": 0.1 * step}}
        for step in steps
    ]


def score(step: int, value: float = 1.25) -> dict[str, Any]:
    return {"step": step, "time": 2000.5, "metric": "fd_pixels", "value": value, "stderr": None, "n": 10,
            "evaluator": "fid", "fingerprint": {}}  # fmt: skip


def sample(folder: RunFolder, step: int) -> None:
    (folder.path / "samples").mkdir(exist_ok=True)
    (folder.path / "samples" / f"{step}.png").write_bytes(b"a picture")


def finish(folder: RunFolder, status: Any = "done", **more: Any) -> None:
    folder.write_state(State(status=status, step=400, **more))


def suite_of(store: Store, suite: str, *run_ids: str) -> str:
    runs = {run_id: COLUMNS for run_id in run_ids}
    write_manifest(store, replace(MANIFEST, suite=suite, runs=runs, marks={run_id: (400,) for run_id in run_ids}))
    return suite


def one_run(store: Store, suite: str, run_id: str = "lsgan-ring8-s3-0123456789") -> RunFolder:
    """A finished run of a suite of its own."""
    suite_of(store, suite, run_id)
    folder = begin(store, run_id)
    folder.append("terms.jsonl", terms(100, 200, 300, 400))
    folder.append("scores.jsonl", [score(200), score(400, 0.75)])
    sample(folder, 400)
    finish(folder)
    return folder


def runs(client: MlflowClient, suite: str, identified_by: str = "ganbench.run_id") -> list[Run]:
    """The runs of seeds; with `ganbench.cell` the parent runs of cells."""
    found = client.get_experiment_by_name(suite)
    every = client.search_runs([found.experiment_id]) if found else []
    return [run for run in every if identified_by in run.data.tags]


def the_run(client: MlflowClient, suite: str) -> Run:
    (run,) = runs(client, suite)
    return run


def history(client: MlflowClient, run: Run) -> list[tuple[str, int, float, int]]:
    """Every logged value: name, step, value, time."""
    everything = [m for name in run.data.metrics for m in client.get_metric_history(run.info.run_id, name)]
    return sorted((m.key, m.step, m.value, m.timestamp) for m in everything)


def steps(client: MlflowClient, run: Run, name: str = "terms/d/real") -> list[int]:
    return sorted(metric.step for metric in client.get_metric_history(run.info.run_id, name))


def eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def quiet(said: str) -> None:
    """Says nothing."""


@dataclass(frozen=True)
class Made:
    """The module's database: the results folder it was made for, and what was printed meanwhile."""

    store: Store
    uri: str
    printed: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    store = Store(tmp_path_factory.mktemp("shared") / "results").open()
    one_run(store, "first")
    printed = io.StringIO()
    import mlflow  # noqa: F401

    logging.getLogger("mlflow").setLevel("INFO")  # as a program has it that imported MLflow before us
    with redirect_stdout(printed), redirect_stderr(printed):
        sync(store, default_uri(store.root), None, quiet)
    return Made(store, default_uri(store.root), printed.getvalue())


@pytest.fixture(scope="module")
def uri(made: Made) -> str:
    return made.uri


@pytest.fixture(scope="module")
def client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(uri)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results").open()


@pytest.fixture
def suite(request: pytest.FixtureRequest) -> str:
    """A name of its own for each test: the database is shared."""
    return re.sub(r"\W", "-", request.node.name).strip("-")


def test_import_is_cheap() -> None:
    code = "import sys, ganbench.tracking; assert not {'mlflow', 'torch', 'pandas', 'sqlalchemy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_database_is_made_silently_and_whole(made: Made, client: MlflowClient) -> None:
    assert made.printed == ""
    root = made.store.root
    assert (root / "mlflow.db").exists() and [path.name for path in root.glob(".mlflow*")] == [".mlflow.db.lock"]
    run = the_run(client, "first")
    assert len(history(client, run)) == 10
    assert run.info.artifact_uri == f"{(root.resolve() / 'mlartifacts' / 'first').as_uri()}/{run.info.run_id}/artifacts"


def test_a_run_is_mirrored_with_all_it_has(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    folder = one_run(store, suite)
    said: list[str] = []
    assert sync(store, uri, None, said.append) == Synced(runs=1, metrics_added=10)
    assert said == [f"{suite}: 1 runs, 10 values added"]
    run = the_run(client, suite)
    expected = [
        ("terms/d/real", row["step"], row["terms"]["d/real"], int(row["time"] * 1000))
        for row in terms(100, 200, 300, 400)
    ]
    expected += [
        ("terms/g/fake", row["step"], row["terms"]["g/fake"], int(row["time"] * 1000))
        for row in terms(100, 200, 300, 400)
    ]
    expected += [("fd_pixels", 200, 1.25, 2000500), ("fd_pixels", 400, 0.75, 2000500)]
    assert history(client, run) == sorted(expected)
    assert run.info.status == "FINISHED" and run.info.run_name == folder.run_id
    assert (run.info.start_time, run.info.end_time) == (1100000, 2000500)
    assert run.data.params == {
        "format": "1",
        "variant.kind": "lsgan",
        "variant.version": "1",
        "variant.a": "0",
        "variant.b": "1",
        "variant.c": "1",
        "dataset.kind": "ring8",
        "dataset.version": "1",
        "dataset.radius": "2.5",
        "network.kind": "mlp",
        "network.widths": "[128, 128]",
        "network.batchnorm": "none",
        "batch": "64",
        "schedule.order": "d_first",
        "schedule.d_steps": "null",
        "schedule.reuse_z": "false",
        "variant": "lsgan",
        "dataset": "ring8",
        "optimizer": "adam[lr=0.0002]",
        "seed": "3",
    }
    tags = {
        name.removeprefix("ganbench."): value for name, value in run.data.tags.items() if name.startswith("ganbench.")
    }
    assert tags.pop("mirrored")
    assert tags == {"run_id": folder.run_id, "suite": suite, "state": "done", "outcome": "completed", "device": "cpu"}
    assert {name: run.data.tags[name] for name in COLUMNS} == {name: str(value) for name, value in COLUMNS.items()}
    artifacts = [file.path for path in (None, "samples") for file in client.list_artifacts(run.info.run_id, path)]
    assert sorted(artifacts) == ["env.json", "samples", "samples/400.png", "spec.json"]


def two_seeds(store: Store, suite: str) -> list[RunFolder]:
    """Two finished seeds of one cell."""
    folders = [one_run(store, suite, f"lsgan-ring8-s{seed}-0123456789") for seed in (3, 4)]
    columns = COLUMNS | {"seed": 4}
    write_json(folders[1].path / "spec.json", {"run_id": folders[1].run_id, "spec": SPEC, "columns": columns})
    suite_of(store, suite, *(folder.run_id for folder in folders))
    return folders


def test_the_seeds_of_a_cell_have_one_parent(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    two_seeds(store, suite)
    assert sync(store, uri, [suite], quiet).runs == 2
    (parent,) = runs(client, suite, "ganbench.cell")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs(client, suite)} == {parent.info.run_id}
    assert parent.info.run_name == "lsgan, ring8, adam[lr=0.0002]" and parent.info.status == "FINISHED"
    assert parent.info.end_time == 2000500
    assert parent.data.params == {name: str(value) for name, value in COLUMNS.items() if name != "seed"}
    sync(store, uri, [suite], quiet)
    assert [run.info.run_id for run in runs(client, suite, "ganbench.cell")] == [parent.info.run_id]
    client.delete_run(parent.info.run_id)
    sync(store, uri, [suite], quiet)
    (restored,) = runs(client, suite, "ganbench.cell")
    assert {run.data.tags["mlflow.parentRunId"] for run in runs(client, suite)} == {restored.info.run_id}
    assert restored.info.status == "FINISHED"


def test_cells_that_differ_have_parents_of_their_own(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    other = two_seeds(store, suite)[1]
    columns = COLUMNS | {"batch": 128}
    write_json(other.path / "spec.json", {"run_id": other.run_id, "spec": SPEC, "columns": columns})
    finish(other, "failed")
    sync(store, uri, [suite], quiet)
    parents = runs(client, suite, "ganbench.cell")
    assert sorted((run.data.params["batch"], run.info.status) for run in parents) == [
        ("128", "FAILED"), ("64", "FINISHED"),
    ]  # fmt: skip


def test_a_store_of_an_earlier_version_is_upgraded(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    """As version 0.1 left it: complete runs of which nobody has a parent, a short column or an input."""
    folders = two_seeds(store, suite)
    located = client.create_experiment(suite, artifact_location(uri, suite))
    old = []
    for folder in folders:
        run = client.create_run(located, 1100000, {"ganbench.run_id": folder.run_id}, run_name=folder.run_id)
        old.append(run.info.run_id)
        for name, step, value, when in [("fd_pixels", 200, 1.25, 2000500), ("fd_pixels", 400, 0.75, 2000500)]:
            client.log_metric(run.info.run_id, name, value, when, step)
        client.log_param(run.info.run_id, "variant.kind", "lsgan")
        client.set_tag(run.info.run_id, "ganbench.mirrored", "a digest of then")
        client.set_terminated(run.info.run_id, "FINISHED", 2000500)
    assert sync(store, uri, [suite], quiet) == Synced(runs=2, metrics_added=2 * 8)
    now = runs(client, suite)
    assert sorted(run.info.run_id for run in now) == sorted(old)
    assert all(run.data.params["variant"] == "lsgan" and run.inputs.dataset_inputs for run in now)
    (parent,) = runs(client, suite, "ganbench.cell")
    assert {run.data.tags["mlflow.parentRunId"] for run in now} == {parent.info.run_id}
    assert sync(store, uri, [suite], quiet) == Synced(runs=2)


def test_a_run_names_its_data_and_its_source(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    folder = one_run(store, suite)
    write_json(folder.path / "env.json", {"device": "cpu", "git": {"commit": "c0ffee", "dirty": True}})
    finish(folder)
    sync(store, uri, [suite], quiet)
    sync(store, uri, [suite], quiet)
    run = the_run(client, suite)
    (given,) = run.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.source_type) == ("ring8", "ganbench")
    assert json.loads(given.dataset.source) == SPEC["dataset"] and len(given.dataset.digest) == 16
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "training")]
    source = {name: run.data.tags.get(f"mlflow.source.{name}") for name in ("name", "git.commit", "git.dirty")}
    assert source == {"name": "ganbench", "git.commit": "c0ffee", "git.dirty": "True"}


def test_twice_adds_nothing(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    folder = one_run(store, suite)
    sync(store, uri, [suite], quiet)
    before = history(client, the_run(client, suite))
    (folder.path / "mlflow.json").unlink()
    assert sync(store, uri, [suite], quiet) == Synced(runs=1, metrics_added=0)
    client.delete_tag(the_run(client, suite).info.run_id, "ganbench.mirrored")  # now it has to compare every value
    assert sync(store, uri, [suite], quiet) == Synced(runs=1, metrics_added=0)
    assert history(client, the_run(client, suite)) == before


def test_a_locked_database_is_one_line(
    store: Store, uri: str, suite: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    one_run(store, suite)
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RequestError, match="MLflow failed: database is locked") as failure:
            sync(store, uri, [suite], quiet)
        other.execute("ROLLBACK")
    assert "\n" not in str(failure.value)
    assert capfd.readouterr() == ("", "") and caplog.text == ""
    assert sync(store, uri, [suite], quiet).metrics_added > 0


def test_a_half_mirrored_run_is_completed(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    folder = one_run(store, suite)
    located = client.create_experiment(suite, artifact_location(uri, suite))
    run_id = client.create_run(located, tags={"ganbench.run_id": folder.run_id}).info.run_id
    client.log_metric(run_id, "fd_pixels", 0.75, timestamp=7, step=400)
    client.log_param(run_id, "batch", "64")
    client.log_metric(run_id, "mine", 1.0, step=9)
    assert sync(store, uri, [suite], quiet).metrics_added == 9
    run = the_run(client, suite)
    assert run.info.run_id == run_id and steps(client, run, "fd_pixels") == [200, 400]
    assert run.data.metrics["mine"] == 1.0  # what a user has added stays


def test_more_values_than_a_batch_holds(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    folder = one_run(store, suite)
    folder.append("terms.jsonl", terms(*range(500, 1200)))
    finish(folder)
    assert sync(store, uri, [suite], quiet).metrics_added == 10 + 1400
    assert steps(client, the_run(client, suite)) == [100, 200, 300, 400, *range(500, 1200)]


def test_a_run_of_two_suites_is_in_both_experiments(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    folder = one_run(store, suite)
    other = suite_of(store, f"{suite}-other", folder.run_id)
    assert sync(store, uri, None, quiet) == Synced(runs=2, metrics_added=20)
    assert history(client, the_run(client, suite)) == history(client, the_run(client, other))
    assert the_run(client, other).data.tags["ganbench.suite"] == other
    assert marked(folder, uri, suite) and marked(folder, uri, other)


@pytest.mark.parametrize(
    ("state", "status", "outcome"),
    [
        (State(status="done"), "FINISHED", "completed"),
        (State(status="diverged", diverged={"step": 812, "term": "d/real"}), "FINISHED", "diverged"),
        (State(status="failed", error="signal 9"), "FAILED", "failed"),
        (State(status="running"), "KILLED", None),
    ],
)
def test_states(
    state: State, status: str, outcome: str | None, store: Store, uri: str, client: MlflowClient, suite: str
) -> None:
    one_run(store, suite).write_state(state)
    sync(store, uri, [suite], quiet)
    run = the_run(client, suite)
    assert (run.info.status, run.data.tags.get("ganbench.outcome")) == (status, outcome)
    assert run.data.tags.get("ganbench.diverged_step") == ("812" if state.diverged else None)
    assert run.data.tags.get("ganbench.diverged_term") == ("d/real" if state.diverged else None)
    assert run.data.tags.get("ganbench.error") == state.error


RULE = OutcomeRule(good=(Condition("fd_pixels", Thresholds(limit=1.0)),))


@pytest.mark.parametrize(
    ("values", "status", "outcome", "step"),
    [
        ((1.25, 0.75), "done", "stable", None),
        ((0.75, 1.25), "done", "collapsed", "400"),
        ((1.25, 1.5), "done", "never_good", None),
        ((0.75, 0.5), "diverged", "diverged", None),
    ],
)
def test_the_outcome_by_the_rule_of_the_suite(
    values: tuple[float, float], status: str, outcome: str, step: str | None,
    store: Store, uri: str, client: MlflowClient, suite: str,
) -> None:  # fmt: skip
    run_id = "lsgan-ring8-s3-0123456789"
    judged = replace(
        MANIFEST, suite=suite, runs={run_id: COLUMNS}, marks={run_id: (200, 400)}, scores=("fid",),
        metrics={"fd_pixels": MetricInfo("lower")}, questions=Questions(outcome={"ring8": RULE}),
    )  # fmt: skip
    folder = begin(store, run_id)
    write_manifest(store, judged)
    folder.append("scores.jsonl", [score(200, values[0]), score(400, values[1])])
    finish(folder, status, diverged={"step": 400, "term": "d/real"} if status == "diverged" else None)
    sync(store, uri, [suite], quiet)
    tags = the_run(client, suite).data.tags
    assert (tags["ganbench.outcome"], tags.get("ganbench.collapsed_step")) == (outcome, step)


def generator(folder: RunFolder, place: Path) -> int:
    (place / "generator.pt2").write_bytes(b"a program")
    (place / "generator.README.md").write_text("how to feed it")
    return 400


def test_a_generator_is_logged_once(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    folder = one_run(store, suite)
    assert log_models(store, uri, suite, generator) == LoggedModels(0)  # the run is not in MLflow yet
    sync(store, uri, [suite], quiet)
    assert log_models(store, uri, suite, generator) == LoggedModels(1)
    assert log_models(store, uri, suite, generator) == LoggedModels(0)
    run = the_run(client, suite)
    (output,) = run.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.name, model.source_run_id, model.status) == (folder.run_id, run.info.run_id, "READY")
    assert (model.params, output.step) == ({"step": "400"}, 400)
    files = client.list_logged_model_artifacts(model.model_id)
    assert sorted(file.path for file in files) == ["generator.README.md", "generator.pt2"]
    assert sync(store, uri, [suite], quiet) == Synced(runs=1)


def test_a_generator_that_can_not_be_written_stops_no_other(
    store: Store, uri: str, client: MlflowClient, suite: str
) -> None:
    two_seeds(store, suite)
    sync(store, uri, [suite], quiet)

    def export(folder: RunFolder, place: Path) -> int:
        if "s3" in folder.run_id:
            raise RequestError(folder.run_id, "no generator of this run was kept")
        return generator(folder, place)

    logged = log_models(store, uri, suite, export)
    assert logged.added == 1 and "s3-0123456789: no generator of this run was kept" in logged.problems[0]


def test_an_interrupted_model_is_replaced(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    one_run(store, suite)
    sync(store, uri, [suite], quiet)
    run = the_run(client, suite)
    half = client.create_logged_model(run.info.experiment_id, "half", run.info.run_id)
    assert log_models(store, uri, suite, generator) == LoggedModels(1)
    (model,) = client.search_logged_models([run.info.experiment_id])
    assert model.model_id != half.model_id and model.status == "READY"


def test_the_load_of_the_machine_is_logged_for_runs_in_progress(
    store: Store, uri: str, client: MlflowClient, suite: str
) -> None:
    mirror = Mirror(store, uri, quiet, every=0.02, system_metrics=True)
    mirror.start(suite, ["grows"])
    folder = begin(store, "grows")
    with folder.lock():
        folder.append("terms.jsonl", terms(100))
        loaded = "system/cpu_utilization_percentage"
        eventually(lambda: bool(runs(client, suite)) and loaded in the_run(client, suite).data.metrics)
        finish(folder)
    assert mirror.close() == 0
    before = the_run(client, suite)
    assert before.data.metrics["system/system_memory_usage_percentage"] > 0
    suite_of(store, suite, "grows")
    assert sync(store, uri, [suite], quiet) == Synced(runs=1)  # what the files do not hold stays
    assert the_run(client, suite).data.metrics == before.data.metrics


def test_live_growth(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    said: list[str] = []
    mirror = Mirror(store, uri, said.append, every=0.02)
    mirror.start(suite, ["grows", "never-begins"])
    folder = begin(store, "grows")
    lock = folder.lock()
    lock.acquire()  # as the worker does that fills the folder
    folder.append("terms.jsonl", terms(100))
    eventually(lambda: bool(runs(client, suite)) and steps(client, the_run(client, suite)) == [100])
    assert the_run(client, suite).info.status == "RUNNING"
    folder.append("terms.jsonl", terms(200))
    with (folder.path / "terms.jsonl").open("a") as file:
        file.write('{"step": 300, "ti')  # a row that is being written
    sample(folder, 200)
    eventually(lambda: steps(client, the_run(client, suite)) == [100, 200])
    folder.keep_rows_until(200)
    folder.append("terms.jsonl", terms(300))
    finish(folder)
    lock.release()
    eventually(lambda: the_run(client, suite).info.status == "FINISHED")
    assert mirror.close() == 0 and said == []
    assert steps(client, the_run(client, suite)) == [100, 200, 300]
    assert [file.path for file in client.list_artifacts(the_run(client, suite).info.run_id, "samples")] == [
        "samples/200.png"
    ]
    assert sync(store, uri, [], quiet) == Synced()
    assert marked(folder, uri, suite)


def test_close_mirrors_what_was_not_yet_seen(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    mirror = Mirror(store, uri, quiet, every=1000)
    folder = one_run(store, suite)
    mirror.start(suite, [folder.run_id])
    assert mirror.close() == 0
    assert len(history(client, the_run(client, suite))) == 10


def test_an_interrupted_run_is_killed_then_resumed(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    """The rows past its checkpoint are written again: the same values, later times."""
    suite_of(store, suite, "resumed")
    folder = begin(store, "resumed")
    mirror = Mirror(store, uri, quiet, every=0.02)
    mirror.start(suite, ["resumed"])
    with folder.lock():
        folder.append("terms.jsonl", terms(100, 200, 300))
        eventually(lambda: bool(runs(client, suite)) and steps(client, the_run(client, suite)) == [100, 200, 300])
    before = history(client, the_run(client, suite))
    assert mirror.close() == 0
    assert the_run(client, suite).info.status == "KILLED"
    with folder.lock():
        folder.keep_rows_until(100)
        folder.write_state(State(status="running", step=100))
        sync(store, uri, [suite], quiet)
        assert the_run(client, suite).info.status == "RUNNING"
        assert history(client, the_run(client, suite)) == before
        folder.append("terms.jsonl", terms(200, 300, 400, begun=5000.0))
        finish(folder)
    assert sync(store, uri, [suite], quiet).metrics_added == 2
    run = the_run(client, suite)
    assert run.info.status == "FINISHED" and steps(client, run) == [100, 200, 300, 400]
    assert [value for value in history(client, run) if value[1] < 400] == before


@pytest.mark.parametrize("redone", [terms(100, 200, 300, 400, shift=0.5), terms(100, 200)], ids=["other", "fewer"])
def test_a_run_done_anew_with_other_numbers_replaces_the_old_one(
    redone: list[dict[str, Any]], store: Store, uri: str, client: MlflowClient, suite: str
) -> None:
    folder = one_run(store, suite)
    sync(store, uri, [suite], quiet)
    old = the_run(client, suite).info.run_id
    folder.clear()
    begin(store, folder.run_id).append("terms.jsonl", redone)
    finish(folder)
    sync(store, uri, [suite], quiet)
    run = the_run(client, suite)
    assert run.info.run_id != old
    assert run.data.metrics["terms/d/real"] == redone[-1]["terms"]["d/real"]
    assert steps(client, run) == [row["step"] for row in redone]


def test_a_run_deleted_from_mlflow_comes_back(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    one_run(store, suite)
    sync(store, uri, [suite], quiet)
    client.delete_run(the_run(client, suite).info.run_id)
    assert sync(store, uri, [suite], quiet).metrics_added == 10
    client.delete_experiment(client.get_experiment_by_name(suite).experiment_id)
    sync(store, uri, [suite], quiet)
    assert len(history(client, the_run(client, suite))) == 10


def test_of_two_mirrored_runs_the_older_stays(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    folder = one_run(store, suite)
    sync(store, uri, [suite], quiet)
    kept = the_run(client, suite).info
    client.create_run(kept.experiment_id, start_time=kept.start_time + 1, tags={"ganbench.run_id": folder.run_id})
    assert sync(store, uri, [suite], quiet).metrics_added == 0
    assert the_run(client, suite).info.run_id == kept.run_id


def test_many_create_the_database_once(store: Store, suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    made: list[str] = []

    def create(uri: str) -> None:
        made.append(uri)
        Path(uri.removeprefix("sqlite:///")).touch()

    monkeypatch.setattr(mlflow, "MlflowClient", create)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Connection(store, default_uri(store.root), 1), range(4)))
    assert sum(uri.endswith(".new") for uri in made) == 1
    assert made.count(default_uri(store.root)) == 4


def test_many_create_the_experiment_once(uri: str, client: MlflowClient, suite: str) -> None:
    together = threading.Barrier(4)

    class Late:
        """A client for which the experiment does not exist until everybody has looked."""

        def __init__(self) -> None:
            self.looked = False

        def get_experiment_by_name(self, name: str) -> Any:
            found = client.get_experiment_by_name(name)
            if not self.looked:
                self.looked = bool(together.wait() + 1)
            return found

        def create_experiment(self, name: str, location: str | None) -> str:
            return str(client.create_experiment(name, location))

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: experiment(Late(), suite, None), range(4)))
    assert set(ids) == {client.get_experiment_by_name(suite).experiment_id}


def test_marker_spares_the_connection(
    store: Store, uri: str, client: MlflowClient, suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = one_run(store, suite)
    sync(store, uri, [suite], quiet)

    def connect(*_: Any) -> Connection:
        raise ConnectionError("it was needed")

    monkeypatch.setattr("ganbench.tracking.mirror.Connection", connect)

    def needed(where: str = uri) -> bool:
        said: list[str] = []
        mirror = Mirror(store, where, said.append, every=0.01)
        mirror.start(suite, [folder.run_id])
        behind = mirror.close()
        assert bool(behind) == bool(said) == any("it was needed" in line for line in said)
        return bool(behind)

    assert not needed()
    assert needed("sqlite:////elsewhere/mlflow.db")  # another store
    assert needed("http://127.0.0.1:9")
    folder.append("scores.jsonl", [score(500)])
    finish(folder)
    assert needed()  # a new score
    sync(store, uri, [suite], quiet)
    assert not needed()
    (folder.path / "mlflow.json").write_text("{")
    assert needed()  # an unreadable marker


def test_marker_does_not_count_without_the_database(store: Store, suite: str) -> None:
    folder = one_run(store, suite)
    gone = default_uri(store.root)
    write_json(folder.path / "mlflow.json", {"uri": gone, "suites": {suite: {"seal": "?"}}})
    assert not marked(folder, gone, suite)


def test_a_new_database_forgets_the_markers(store: Store, suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    monkeypatch.setattr(mlflow, "MlflowClient", lambda uri: Path(uri.removeprefix("sqlite:///")).touch())
    folder = one_run(store, suite)
    write_json(folder.path / "mlflow.json", {"uri": default_uri(store.root), "suites": {}})
    Connection(store, default_uri(store.root), patience=1)
    assert (store.root / "mlflow.db").exists() and not (folder.path / "mlflow.json").exists()
    write_json(folder.path / "mlflow.json", {"uri": default_uri(store.root), "suites": {}})
    Connection(store, default_uri(store.root), patience=1)
    assert (folder.path / "mlflow.json").exists()


@pytest.mark.usefixtures("client")
def test_a_dead_server_is_reported_once_and_stops_nothing(
    store: Store, suite: str, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []
    dead = "http://user:secret@127.0.0.1:9"
    mirror = Mirror(store, dead, said.append, every=0.01)
    folders = [one_run(store, suite, f"run-{seed}") for seed in range(3)]
    mirror.start(suite, [folder.run_id for folder in folders])
    eventually(lambda: bool(said))
    assert mirror.close() == 3
    assert len(said) == 1
    assert said[0].startswith("MLflow at http://127.0.0.1:9: ") and "Connection refused" in said[0]
    assert said[0].endswith("The files are complete; run `ganbench sync` later.")
    with pytest.raises(RequestError, match=r"MLflow failed: .*Connection refused") as caught:
        sync(store, dead, [suite_of(store, suite, "run-0")], said.append)
    assert "secret" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_store_that_hangs_is_left_behind(store: Store, suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = threading.Event()
    monkeypatch.setattr("ganbench.tracking.mirror.Connection", lambda *_: answer.wait(60))
    folder = one_run(store, suite)
    said: list[str] = []
    mirror = Mirror(store, "http://slow", said.append, every=0.01)
    mirror.start(suite, [folder.run_id])
    assert mirror.close(timeout=0.05) == 1
    assert said == [
        "MLflow at http://slow: 1 run is not mirrored yet. The files are complete; run `ganbench sync` later."
    ]
    answer.set()


def test_a_store_that_recovers_is_caught_up(
    store: Store, uri: str, client: MlflowClient, suite: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second request fails after it was carried out, the worst moment: nothing is logged twice."""
    mirror_run, calls = Connection.mirror_run, []

    def flaky(self: Connection, folder: RunFolder, suite: str, *, live: bool = False) -> int:
        calls.append(folder.run_id)
        added = mirror_run(self, folder, suite, live=live)
        if len(calls) < 3:
            raise TimeoutError("timed out")
        return added

    monkeypatch.setattr(Connection, "mirror_run", flaky)
    said: list[str] = []
    mirror = Mirror(store, uri, said.append, every=0.01)
    folders = [one_run(store, suite, f"run-{seed}") for seed in range(2)]
    mirror.start(suite, [folder.run_id for folder in folders])
    eventually(lambda: all(run.seen for run in mirror._watched))  # closing at a failure would give up
    assert mirror.close() == 0
    assert len(said) == 1 and calls[:2] == ["run-0", "run-1"]  # one that fails doesn't hold up the others
    assert [len(history(client, run)) for run in runs(client, suite)] == [10, 10]


def test_a_run_that_another_process_mirrors_is_left_to_it(
    store: Store, uri: str, client: MlflowClient, suite: str
) -> None:
    folder = one_run(store, suite)
    with claim(folder, suite):
        assert sync(store, uri, [suite], quiet) == Synced(elsewhere=1)
        mirror = Mirror(store, uri, quiet, every=0.01)
        mirror.start(suite, [folder.run_id])
        assert mirror.close() == 0
    assert runs(client, suite) == []


def test_damaged_and_missing_runs_stop_no_other_run(store: Store, uri: str, client: MlflowClient, suite: str) -> None:
    healthy = one_run(store, suite, "healthy")
    damaged = one_run(store, suite, "damaged")
    (damaged.path / "state.json").write_text("{")
    suite_of(store, suite, "damaged", "missing", "healthy")
    mirror = Mirror(store, uri, quiet, every=0.01)
    mirror.start(suite, ["damaged", "missing", "healthy"])
    eventually(lambda: (healthy.path / "mlflow.json").exists())
    mirror.close()
    synced = sync(store, uri, [suite], quiet)
    assert (synced.runs, synced.missing) == (1, 1) and "state.json: damaged" in synced.damaged[0]
    assert the_run(client, suite).data.tags["ganbench.run_id"] == "healthy"


@pytest.mark.usefixtures("client")
def test_an_unknown_suite_is_a_request_error(store: Store, uri: str) -> None:
    with pytest.raises(RequestError, match="no suite 'nonesuch'"):
        sync(store, uri, ["nonesuch"], quiet)


def test_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    default = f"sqlite:///{tmp_path.resolve()}/mlflow.db"
    assert default_uri(tmp_path) == resolve(None, tmp_path) == default
    assert resolve("none", tmp_path) is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://server:5000")
    assert resolve(None, tmp_path) == "http://server:5000"
    assert resolve("http://other", tmp_path) == "http://other"
    assert artifact_location("http://server:5000", "quick") is None
    assert artifact_location(default, "quick") == (tmp_path.resolve() / "mlartifacts" / "quick").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "none")
    assert resolve(None, tmp_path) is None
    assert shown("postgresql+psycopg://me:secret@db/mlflow") == "postgresql+psycopg://db/mlflow"
    assert shown("sqlite:////home/me@work/mlflow.db") == "sqlite:////home/me@work/mlflow.db"


@pytest.mark.parametrize("given", ["localhost:5000", "./mlruns", "mlflow.db"])
def test_a_text_that_is_not_a_uri_is_refused(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match=f"--tracking-uri: '{given}' is not the URI of an MLflow store"):
        resolve(given, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
    with pytest.raises(RequestError, match=f"MLFLOW_TRACKING_URI: '{given}'"):
        resolve(None, tmp_path)


@pytest.mark.parametrize(
    ("bottom", "expected"),
    [(OSError(28, "No space left on device"), "[Errno 28] No space left on device"), (KeyError("x"), "a long story")],
)
def test_reason_is_what_the_system_said(bottom: Exception, expected: str) -> None:
    try:
        try:
            raise bottom
        except Exception as error:
            raise ValueError("a long story") from error
    except ValueError as error:
        assert reason(error) == expected
    assert reason(KeyError()) == "KeyError"
    assert len(reason(ValueError("word " * 1000))) <= 200


def test_a_place_that_takes_no_database_fails_at_once(store: Store) -> None:
    store.root.joinpath("file").touch()
    with pytest.raises(OSError, match="file"):
        Connection(store, f"sqlite:///{store.root}/file/mlflow.db", 1)


@pytest.mark.usefixtures("client")
def test_the_process_stays_as_it_was(uri: str) -> None:
    import mlflow

    assert mlflow.active_run() is None
    assert mlflow.get_tracking_uri() != uri and "MLFLOW_TRACKING_URI" not in os.environ
