"""`ganbench merge` and `ganbench archive` on the small suite: the report is that of an undisturbed run."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from ganbench.results.store import Store
from tests.e2e.conftest import INLINE, SUITE, ganbench, suite, within

__all__ = ["ganbench", "suite"]

CSV = ("--format", "csv")
QUIET = ("--tracking-uri", "none")


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small suite, half of its runs in the results folder `a` and the others in `b`."""
    folder = tmp_path_factory.mktemp("halves")
    (folder / "small.yaml").write_text(SUITE)
    for variant, name in (("ns", "a"), ("lsgan", "b")):
        only = ("--only", f"variant={variant}", "--results", name)
        done = within(folder, "run", "small.yaml", *only, *QUIET, *INLINE)
        assert done.returncode == 0, done.stderr
    return folder


def mirrored(folder: Path) -> tuple[int, int]:
    """The numbers of runs and of values in MLflow's database."""
    with sqlite3.connect(folder / "mlflow.db") as connection:
        runs, values = (connection.execute(f"select count(*) from {table}").fetchone() for table in ("runs", "metrics"))
    return runs[0], values[0]


def test_the_report_of_merged_halves_is_that_of_one_run(halves: Path, undisturbed: str, tmp_path: Path) -> None:
    merged = tmp_path / "merged"
    line = ("merge", "a", "b", "--into", merged)
    done = within(halves, *line)
    assert done.returncode == 0 and done.stdout == f"{merged}: 4 runs of small, 4 of them copied\n", done
    assert within(halves, "report", "--results", merged, *CSV).stdout == undisturbed
    before = mirrored(merged)
    assert before[0] == 4 + 2 and before[1] > 100, "four runs, and the parent of each cell"
    again = within(halves, *line, "--json")
    assert json.loads(again.stdout) == {
        "format": 1, "into": str(merged), "suites": ["small"], "runs": 4, "copied": 0, "left_out": []
    }  # fmt: skip
    assert mirrored(merged) == before, "nothing is mirrored twice"
    planned = within(halves, "run", "small.yaml", "--dry-run", "--results", merged)
    assert "4 done + 0 to run" in planned.stdout + planned.stderr


def test_contradictions_are_named_and_nothing_is_written(halves: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert within(halves, "merge", "a", "--into", other, *QUIET).returncode == 0
    run = Store(other).runs()[0]
    state, path = run.state(), run.path / "scores.jsonl"
    assert state is not None
    *rows, last = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*rows, json.dumps(json.loads(last) | {"value": 0.125}) + "\n"]))
    run.write_state(state)
    line = ("merge", "a", other, "--into", tmp_path / "both", *QUIET)
    done = within(halves, *line)
    assert done.returncode == 2 and done.stdout == "" and not (tmp_path / "both").exists()
    assert f"{run.run_id}: a and {other} differ: scores.jsonl: the value of" in done.stderr
    assert "1 conflict; nothing was written" in done.stderr and "choose it with --prefer FOLDER" in done.stderr
    assert within(halves, *line, "--prefer", other).returncode == 0
    kept = Store(tmp_path / "both").run(run.run_id).path / "scores.jsonl"
    assert kept.read_text() == path.read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("absent", "--into", "c"), "absent: there are no results in it. "),
        (("a", "--into", "c", "--prefer", "b"), "--prefer: 'b' is not one of the folders. allowed: a, c. name one"),
        (("a", "--into", "c", "--tracking-uri", "mlflow"), "'mlflow' is not the URI of an MLflow store"),
        (
            ("a", "--into", "small.yaml"),
            "small.yaml: can't write results here: Not a directory. choose another folder",
        ),
        (("a",), "Missing option '--into'"),
    ],
)
def test_a_wrong_merge_is_refused(halves: Path, words: tuple[str, ...], message: str) -> None:
    done = within(halves, "merge", *words)
    assert done.returncode == 2 and message in done.stderr and not (halves / "c").exists()


def test_damaged_runs_are_named_and_give_exit_code_1(halves: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert within(halves, "merge", "a", "--into", copy, *QUIET).returncode == 0
    (Store(copy).runs()[0].path / "terms.jsonl").write_text("")
    done = within(halves, "merge", copy, "b", "--into", tmp_path / "c", *QUIET)
    assert done.returncode == 1 and done.stderr.startswith(f"not merged: {copy}") and "3 runs of small" in done.stdout


def test_a_store_of_mlflow_that_fails_does_not_fail_the_merge(halves: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = f"sqlite:///{tmp_path}/file/mlflow.db"
    done = within(halves, "merge", "a", "--into", tmp_path / "c", "--tracking-uri", store)
    assert done.returncode == 0 and "run `ganbench sync` again when the store works" in done.stderr


def test_an_archive_is_reported_shown_and_compared(halves: Path, tmp_path: Path) -> None:
    merged, archive = tmp_path / "merged", tmp_path / "small.zip"
    assert within(halves, "merge", "a", "b", "--into", merged, *QUIET).returncode == 0
    done = within(halves, "archive", "small", "--results", merged, "--out", archive)
    assert done.returncode == 0 and done.stdout.startswith(f"{archive}: 4 runs, "), done
    for words in (CSV, (), ("--format", "html")):
        there, here = within(halves, "report", archive, *words), within(halves, "report", "--results", merged, *words)
        assert there.returncode == 0 and there.stdout == here.stdout, words
    run_id = Store(merged).runs()[0].run_id
    shown = within(halves, "show", run_id, "--results", archive)
    assert shown.returncode == 0 and "status   done" in shown.stdout
    compared = within(halves, "report", archive, merged)
    assert compared.returncode == 0 and "0 with lost runs" in compared.stdout
    published = within(halves, "report", archive, "--publish", tmp_path / "published")
    assert published.returncode == 0 and (tmp_path / "published" / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("archive", "small", "--results", "a", "--out", "x.tar"), "'x.tar' does not end with .zip. write x.tar.zip"),
        (("archive", "other", "--results", "a", "--out", "x.zip"), "no suite 'other' has run here"),
        (("archive", "small", "--results", "a", "--out", "absent/x.zip"), "--out: can't write"),
        (("report", "absent.zip"), "absent.zip: there is no such file. correct the name"),
        (("report", "small.yaml.zip"), "it is damaged, truncated or not a zip file"),
        (("show", "ns", "--results", "small.yaml.zip"), "it is damaged, truncated or not a zip file"),
    ],
)  # fmt: skip
def test_a_wrong_archive_is_refused(halves: Path, words: tuple[str, ...], message: str) -> None:
    (halves / "small.yaml.zip").write_text("name: small\n")
    done = within(halves, *words)
    assert done.returncode == 2 and message in done.stderr and "Traceback" not in done.stderr
