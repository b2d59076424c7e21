"""The tidy table: what is in it, what is not, and that missing numbers stay missing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ganbench.errors import RequestError
from ganbench.results.files import write_json
from ganbench.results.store import State
from ganbench.results.table import COLUMNS, read_results, tidy
from tests.support.synthetic import Run, score, write_run, write_suite

CURVE = {"fd_pixels": [3.0, 2.0]}


def test_columns_and_types(tmp_path: Path):
    table = tidy(write_suite(tmp_path, [Run(curves=CURVE)]), "study")
    assert tuple(table.columns) == COLUMNS
    assert ",".join(COLUMNS) == (
        "run_id,suite,variant,dataset,network,batchnorm,optimizer,seed,status,step,metric,value,stderr,n"
    )
    assert table["step"].to_list() == [1000, 2000]
    assert table["value"].to_list() == [3.0, 2.0]
    assert set(table["suite"]) == {"study"}


@pytest.mark.parametrize(
    ("axes", "extra"),
    [(["batch"], ["batch"]), (["precision", "steps", "schedule"], ["schedule", "steps", "precision"]), (["seed"], [])],
)
def test_further_axes_are_appended(tmp_path: Path, axes: list[str], extra: list[str]):
    table = tidy(write_suite(tmp_path, [Run(curves=CURVE)], axes=axes), "study")
    assert table.columns.to_list() == [*COLUMNS, *extra]


@pytest.mark.parametrize("status", ["missing", "failed", "diverged", "running"])
def test_a_run_without_a_score_has_one_empty_row(tmp_path: Path, status: str):
    table = tidy(write_suite(tmp_path, [Run(status=status), Run(seed=1, curves=CURVE)]), "study")
    row = table[table["seed"] == 0]
    assert row["status"].to_list() == [status]
    assert row[["step", "metric", "value", "stderr", "n"]].isna().all(axis=None)


def test_a_suite_of_which_nothing_ran(tmp_path: Path):
    table = tidy(write_suite(tmp_path, [Run(status="missing")]), "study")
    assert table["value"].isna().all()
    assert table.to_csv(index=False).splitlines()[1].endswith(",missing,,,,,")


def test_only_what_the_suite_asked_for(tmp_path: Path):
    run = Run(curves=CURVE)
    store = write_suite(tmp_path, [run], marks={run.run_id: [2000]})
    other = score(run, 2000, "fd_pixels", 9.0) | {"evaluator": "fid[features=classifier]"}
    unknown = score(run, 2000, "fd_pixels", 9.0) | {"metric": "fd_other"}
    store.run(run.run_id).append("scores.jsonl", [other, unknown])
    store.run(run.run_id).write_state(State("done", step=2000))
    table = tidy(store, "study")
    assert table[["step", "metric", "value"]].values.tolist() == [[2000, "fd_pixels", 2.0]]


def test_the_newest_of_two_scores_counts(tmp_path: Path):
    run = Run(curves=CURVE)
    store = write_suite(tmp_path, [run])
    folder = store.run(run.run_id)
    folder.append("scores.jsonl", [score(run, 1000, "fd_pixels", 7.0)])
    assert tidy(store, "study")["value"].to_list() == [3.0, 2.0], "a row that is not sealed yet does not count"
    folder.write_state(State("done", step=2000))
    assert tidy(store, "study")["value"].to_list() == [7.0, 2.0]


def test_order_and_clocks_of_runs_change_nothing(tmp_path: Path):
    runs = [Run(variant=variant, seed=seed, curves=CURVE) for variant in ("ns", "lsgan") for seed in (10, 2)]
    once = tidy(write_suite(tmp_path / "a", runs), "study")
    again = tidy(write_suite(tmp_path / "b", runs[::-1]), "study")
    pd.testing.assert_frame_equal(once, again)
    assert once["seed"].to_list() == [2, 2, 10, 10] * 2, "seeds are ordered as numbers"


def test_a_resumed_run_reads_the_same(tmp_path: Path):
    run = Run(curves={"fd_pixels": [3.0, 2.0, 1.0]})
    store = write_suite(tmp_path, [run])
    before = tidy(store, "study")
    store.run(run.run_id).keep_rows_until(1000)
    later = [score(run, step, "fd_pixels", value) | {"time": 1.8e9} for step, value in ((2000, 2.0), (3000, 1.0))]
    store.run(run.run_id).append("scores.jsonl", later)
    state = store.run(run.run_id).state()
    assert state is not None
    store.run(run.run_id).write_state(state)
    pd.testing.assert_frame_equal(before, tidy(store, "study"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("state.json", "{"),
        ("state.json", '{"status": "finished"}'),
        ("scores.jsonl", "not json\n"),
        ("scores.jsonl", ""),
    ],
)
def test_a_damaged_run_is_shown_and_brings_no_score(tmp_path: Path, name: str, content: str):
    runs = [Run(curves=CURVE), Run(seed=1, curves=CURVE)]
    store = write_suite(tmp_path, runs)
    (store.run(runs[0].run_id).path / name).write_text(content)
    table = tidy(store, "study")
    assert table["status"].to_list() == ["damaged", "done", "done"]
    assert table["value"].isna().to_list() == [True, False, False]


@pytest.mark.parametrize("change", [{"value": None}, {"value": "much"}, {"fingerprint": None}, {"n": None}])
def test_a_row_that_is_no_score_is_damage(tmp_path: Path, change: dict[str, object]):
    run = Run(status="running")
    store = write_suite(tmp_path, [run])
    store.run(run.run_id).append("scores.jsonl", [score(run, 1000, "fd_pixels", 1.0) | change])
    assert tidy(store, "study")["status"].to_list() == ["damaged"]


def test_a_half_written_row_of_a_running_run_is_left_out(tmp_path: Path):
    run = Run(status="running", curves=CURVE)
    store = write_suite(tmp_path, [run])
    with (store.run(run.run_id).path / "scores.jsonl").open("a") as file:
        file.write('{"step": 3000, "metr')
    assert tidy(store, "study")["value"].to_list() == [3.0, 2.0]


def test_a_run_of_another_suite_is_not_in_it(tmp_path: Path):
    store = write_suite(tmp_path, [Run(curves=CURVE)])
    write_run(store, Run(variant="wgan", curves=CURVE))
    assert set(tidy(store, "study")["variant"]) == {"ns"}


def test_an_unknown_suite_and_a_damaged_manifest(tmp_path: Path):
    store = write_suite(tmp_path, [Run(curves=CURVE)])
    with pytest.raises(RequestError, match="known: study"):
        tidy(store, "studdy")
    write_json(store.manifest_path("study"), {"runs": {}})
    with pytest.raises(RequestError, match=r"study\.json: damaged: it has no "):
        tidy(store, "study")


def test_environments_are_counted_the_commonest_first(tmp_path: Path):
    runs = [Run(seed=seed, curves=CURVE) for seed in range(4)]
    store = write_suite(tmp_path, runs)
    for run, device in zip(runs, ["cuda", "cpu", "cpu"], strict=False):
        (store.run(run.run_id).path / "env.json").write_text(f'{{"device": "{device}"}}')
    assert read_results(store, "study").environments == ((2, '{\n "device": "cpu"\n}'), (1, '{\n "device": "cuda"\n}'))


def test_what_each_run_has_for_itself_makes_no_environment_of_its_own(tmp_path: Path):
    runs = [Run(seed=seed, curves=CURVE) for seed in range(2)]
    store = write_suite(tmp_path, runs)
    for run in runs:
        own = {"engine_job": f"slurm {run.seed}", "memory": {"cell": "c", "peak": run.seed}}
        write_json(store.run(run.run_id).path / "env.json", {"sessions": [{"device": "cpu"} | own]})
    assert read_results(store, "study").environments == ((2, '{\n "device": "cpu"\n}'),)


def test_fingerprints_are_distinguished_in_any_order(tmp_path: Path):
    runs = [Run(seed=seed, curves=CURVE, fingerprint={"dtype": f"float{32 * (1 + seed % 2)}"}) for seed in range(4)]
    results = read_results(write_suite(tmp_path, runs), "study")
    assert results.scores["fingerprint"].to_list() == [0, 0, 1, 1, 0, 0, 1, 1]
    assert [one["dtype"] for one in results.fingerprints] == ["float32", "float64"]
