"""The table with a row for each run, and the training curves as a table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd

from ganbench.report import format_report
from ganbench.report.analysis.frames import run_table
from ganbench.report.analysis.study import read_study
from ganbench.results.files import write_json
from ganbench.results.store import State, Store
from ganbench.results.table import term_table
from tests.support.synthetic import METRICS, Run, score, write_suite


def study(root: Path) -> Store:
    """Two settings of one optimizer; one run diverged, one failed, one has not begun."""
    runs = [Run(seed=seed, curves={"hq": [0.25, 0.5 + seed / 4], "fd_pixels": [9.0, 8.0]}) for seed in range(2)]
    runs += [Run(variant="lsgan", seed=0, status="diverged", curves={"hq": [0.125]})]
    runs += [Run(variant="lsgan", seed=1, status="failed", error="OSError: disk full")]
    runs += [Run(variant="lsgan", seed=2, status="missing")]
    store = write_suite(root, runs, marks={run.run_id: [1000, 2000] for run in runs})
    for number, run in enumerate(runs[:4]):
        spec: dict[str, Any] = {"kind": run.variant, "version": 1} | ({"a": -1} if run.variant == "lsgan" else {})
        body = {"format": 1, "seed": run.seed, "variant": spec, "network": {"widths": [8, 8 * (number + 1)]},
                "optimizer": {"kind": "adam", "lr": 1e-3 if number < 2 else 1e-4, "beta1": 0.5}}  # fmt: skip
        saved = {"run_id": run.run_id, "spec": body, "columns": run.described()}
        write_json(store.run(run.run_id).path / "spec.json", saved)
    return store


def test_a_row_for_each_run(tmp_path: Path) -> None:
    table = run_table(read_study(study(tmp_path), "study", None)).set_index("run_id")
    assert list(table["status"]) == ["done", "done", "diverged", "failed", "missing"]
    assert list(table["outcome"].fillna("")) == ["completed", "completed", "diverged", "", ""]
    assert list(table["step"].fillna(-1)) == [4000, 4000, 4000, 4000, -1] and str(table["step"].dtype) == "Int64"
    assert list(table["seconds"].fillna(-1)) == [12, 12, 12, 12, -1] and table["error"].iloc[3] == "OSError: disk full"
    assert list(table["hq"].fillna(-1)) == [0.5, 0.75, -1, -1, -1] and str(table["hq"].dtype) == "float64"
    assert list(table["optimizer.lr"].fillna(-1)) == [1e-3, 1e-3, 1e-4, 1e-4, -1]
    assert list(table["network.widths"].dropna()) == [json.dumps([8, 8 * n]) for n in (1, 2, 3, 4)]
    assert list(table["variant.a"].fillna(0)) == [0, 0, -1, -1, 0]
    assert not {"optimizer.beta1", "variant.version", "spec.seed", "format"} & set(table.columns), "they do not vary"
    assert {"variant", "dataset", "batchnorm", "optimizer", "seed"} <= set(table.columns) and table.columns.is_unique


def test_the_precision_of_a_run_stands_beside_the_metric_of_that_name(tmp_path: Path) -> None:
    runs = [Run(), Run(columns={"precision": "bf16"})]
    store = write_suite(tmp_path, runs, metrics={"precision": METRICS["hq"]})
    reduced = {"format": 1, "arithmetic": {"precision": "bf16", "memory_format": "contiguous"}}
    for run, spec, value in zip(runs, ({"format": 1}, reduced), (0.5, 0.25), strict=True):
        folder = store.run(run.run_id)
        write_json(folder.path / "spec.json", {"run_id": run.run_id, "spec": spec, "columns": run.described()})
        folder.append("scores.jsonl", [score(run, 1000, "hq", value) | {"metric": "precision"}])
        folder.write_state(State("done", step=1000))
    table = run_table(read_study(store, "study", None))
    assert list(table["arithmetic.precision"]) == ["float32", "bf16"] and list(table["precision"]) == [0.5, 0.25]
    assert table.columns.is_unique and "arithmetic.memory_format" not in table


def test_the_outcome_is_that_of_the_rule(tmp_path: Path) -> None:
    runs = [Run(seed=seed, curves={"fd_pixels": [1.0, last]}) for seed, last in enumerate((1.0, 50.0))]
    rule = {"digits": [{"metric": "fd_pixels", "rule": {"limit": 5.0}}]}
    store = write_suite(tmp_path, runs, marks={run.run_id: [1000, 2000] for run in runs}, outcome=rule)
    table = run_table(read_study(store, "study", None))
    assert list(table["outcome"]) == ["stable", "collapsed"]
    assert list(table["collapsed_step"].fillna(0)) == [0, 2000]


def test_it_is_printed_as_csv(tmp_path: Path) -> None:
    store = study(tmp_path)
    rows = list(csv.DictReader(io.StringIO(format_report(store, "study", "runs", None))))
    assert [row["status"] for row in rows] == ["done", "done", "diverged", "failed", "missing"]
    assert rows[0]["hq"] == "0.5" and rows[0]["step"] == "4000" and rows[4]["step"] == ""


def test_a_suite_without_runs_and_numbers(tmp_path: Path) -> None:
    store = write_suite(tmp_path, [Run(status="missing")])
    table = run_table(read_study(store, "study", None))
    assert list(table["status"]) == ["missing"] and "hq" not in table
    assert term_table(store, "study").empty


def test_the_training_curves_are_a_table(tmp_path: Path) -> None:
    store = study(tmp_path)
    folder = store.runs()[0]
    state = folder.state()
    assert state is not None
    rows = [{"step": step, "time": 1.7e9, "terms": {"d/real": 1 / step, "g/fake": None}} for step in (2, 4)]
    folder.append("terms.jsonl", rows)
    folder.write_state(state)
    table = term_table(store, "study")
    assert table.to_dict("list")["step"] == [2, 2, 4, 4] and set(table["run_id"]) == {folder.run_id}
    assert list(table.loc[table["term"] == "d/real", "value"]) == [0.5, 0.25]
    assert table.loc[table["term"] == "g/fake", "value"].isna().all()
    read = pd.read_csv(io.StringIO(format_report(store, "study", "terms", None)))
    assert read.astype(table.dtypes.to_dict()).equals(table)
