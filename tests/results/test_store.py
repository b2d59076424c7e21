"""Run folders: atomic writes, seals that detect damage, and locks that a killed process releases."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from filelock import Timeout
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.cli import cli
from ganbench.cli.request import suite_name
from ganbench.errors import DamagedRun, RequestError
from ganbench.results import files
from ganbench.results import store as storing
from ganbench.results.files import write_json
from ganbench.results.store import RunFolder, State, Store
from ganbench.runner.plan import missing
from tests.support.jobs import JOB
from tests.support.rows import file_rows
from tests.support.synthetic import Run, write_suite

SCORE = {"step": 10, "time": 1.0, "metric": "hq", "value": 0.5, "evaluator": "modes v1 n=10", "n": 10,
         "fingerprint": {}}  # fmt: skip
TERMS = {"step": 5, "time": 1.0, "terms": {"d/real": 0.25}}
STATE = State("done", step=20, seconds=1.5, scored={"modes v1 n=10": [10]})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return written(Store(tmp_path).open().run("ns-ring8-0"))


def written(folder: RunFolder, state: State = STATE) -> RunFolder:
    folder.append("terms.jsonl", [TERMS, TERMS | {"step": 10}])
    folder.append("scores.jsonl", [SCORE])
    folder.write_state(state)
    return folder


# --- states ---


@pytest.mark.parametrize(
    "state",
    [
        STATE,
        State("running"),
        State("failed", error="OSError: no space left"),
        State("diverged", step=812, diverged={"step": 812, "term": "d/real"}, seconds=3),
    ],
    ids=lambda state: state.status,
)
def test_a_state_is_read_as_it_was_written(folder: RunFolder, state: State) -> None:
    folder.write_state(state)
    found = folder.check()
    assert found is not None and replace(found, sealed={}) == state
    assert found.finished == (state.status in ("done", "diverged"))
    assert set(found.sealed) == {"terms.jsonl", "scores.jsonl"}


def test_a_run_that_never_started_has_no_state(tmp_path: Path) -> None:
    nowhere = Store(tmp_path).open().run("absent")
    assert nowhere.state() is None and nowhere.check() is None
    assert (
        file_rows(nowhere, "scores.jsonl") == [] and nowhere.log_end() == [] and nowhere.read_json("env.json") is None
    )
    nowhere.clear()


def test_without_a_seal_a_state_seals_no_row(folder: RunFolder) -> None:
    folder.write_state(STATE, seal=False)
    found = folder.check()
    assert found is not None and found.sealed == {}


def test_marks_without_their_scores_are_not_scored(folder: RunFolder) -> None:
    """A state of 0.1 may remember scores whose rows were deleted while the run was in progress."""
    key = "modes v1 n=10"
    remembered = replace(STATE, scored={key: [10, 15, 20], "fid v1 n=10": [10]}, without_score={key: [15]})
    folder.write_state(remembered)
    found = folder.check()
    assert found is not None and found.scored == {key: [10, 15], "fid v1 n=10": []}
    assert (folder.state() or STATE).scored == remembered.scored


def test_clearing_leaves_nothing(folder: RunFolder) -> None:
    folder.clear()
    assert not folder.path.exists() and folder.state() is None


# --- rows ---


def test_rows_come_back_in_order_and_a_torn_last_line_is_left_out(folder: RunFolder) -> None:
    with (folder.path / "terms.jsonl").open("a") as file:
        file.write('{"step": 15, "ti')
    assert [row["step"] for row in file_rows(folder, "terms.jsonl")] == [5, 10]
    assert folder.check() is not None, "a line that was being written is no damage"


@pytest.mark.parametrize("torn", ["{", '{"step": 15, "terms": {}}', "x" * 10_000])
def test_a_torn_line_is_overwritten_by_the_next_rows(folder: RunFolder, torn: str) -> None:
    with (folder.path / "terms.jsonl").open("a") as file:
        file.write(torn)
    folder.append("terms.jsonl", [TERMS | {"step": 15}])
    assert [row["step"] for row in file_rows(folder, "terms.jsonl")] == [5, 10, 15]
    folder.write_state(STATE)
    assert folder.check() is not None


def test_a_file_that_is_one_torn_line_starts_anew(folder: RunFolder) -> None:
    (folder.path / "terms.jsonl").write_text('{"st')
    folder.append("terms.jsonl", [TERMS])
    assert file_rows(folder, "terms.jsonl") == [TERMS]


def test_appending_nothing_makes_no_file(tmp_path: Path) -> None:
    folder = Store(tmp_path).open().run("empty")
    folder.append("terms.jsonl", [])
    assert not folder.path.exists()


def test_rows_hold_finite_numbers_only(folder: RunFolder) -> None:
    before = (folder.path / "scores.jsonl").read_bytes()
    with pytest.raises(ValueError, match="JSON compliant"):
        folder.append("scores.jsonl", [SCORE, SCORE | {"value": float("nan")}])
    assert (folder.path / "scores.jsonl").read_bytes() == before


def test_rows_past_a_step_are_dropped(folder: RunFolder) -> None:
    folder.keep_rows_until(5)
    assert file_rows(folder, "terms.jsonl") == [TERMS] and file_rows(folder, "scores.jsonl") == []


# --- seals ---


def test_rows_after_the_seal_are_no_damage_and_changes_before_it_are(folder: RunFolder) -> None:
    folder.append("scores.jsonl", [SCORE | {"step": 20}])
    assert folder.check() is not None
    path = folder.path / "scores.jsonl"
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.7"))
    with pytest.raises(DamagedRun, match=r"scores\.jsonl: damaged: its content does not match the seal in state\.json"):
        folder.check()


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: os.truncate(path, 10), lambda path: path.write_bytes(b"")])
def test_missing_sealed_rows_are_damage(folder: RunFolder, harm: Callable[[Path], Any]) -> None:
    harm(folder.path / "terms.jsonl")
    with pytest.raises(DamagedRun, match="the run is done again"):
        folder.check()


@pytest.mark.parametrize("status", ["running", "failed"])
def test_unreadable_rows_of_a_run_that_goes_on_are_damage(folder: RunFolder, status: Any) -> None:
    """After a power cut the tail of a file may be zeros: resuming would trip over it."""
    folder.write_state(replace(STATE, status=status))
    with (folder.path / "terms.jsonl").open("ab") as file:
        file.write(b"\0" * 40 + b"\n")
    with pytest.raises(DamagedRun):
        folder.check()


# --- damage of any kind ---

BODY = asdict(STATE) | {"sealed": {"scores.jsonl": [10, "ab"]}}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*BODY, "step", "x\0", ".."]), inner),
    max_leaves=6,
)


def read_everything(folder: RunFolder) -> None:
    """All that readers and workers do first: nothing but `DamagedRun` may come of it."""
    try:
        content, state = folder.read(), folder.check()
        for row in (*content.terms(), *content.scores(), *content.absent()) if content else ():
            assert row["step"] <= row["step"] and row["time"] is not None
    except DamagedRun as damage:
        assert "damaged" in str(damage) and str(folder.path) in str(damage)
        return
    if state is not None:
        missing(JOB, state)
        folder.write_state(state)
        assert folder.check() is not None


@given(st.dictionaries(st.sampled_from([*BODY, "more"]), ANYTHING, min_size=1))
@settings(max_examples=300)
def test_states_with_values_of_any_kind(tmp_path_factory: pytest.TempPathFactory, change: dict[str, Any]) -> None:
    folder = written(Store(tmp_path_factory.mktemp("store")).open().run("run"))
    (folder.path / "state.json").write_text(json.dumps(BODY | change))
    read_everything(folder)


@given(st.data())
@settings(max_examples=300)
def test_mutilated_bytes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Any part of any file replaced by any bytes."""
    folder = written(Store(tmp_path_factory.mktemp("store")).open().run("run"))
    path = folder.path / data.draw(st.sampled_from(["state.json", "scores.jsonl", "terms.jsonl"]))
    content = path.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    path.write_bytes(content[:start] + data.draw(st.binary(max_size=30)) + content[end:])
    read_everything(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"null", b"[]", b"5", b'"done"', b"{", b"\xff\xfe", b"\0" * 100, b"{}", b"[" * 100_000, b"1" * 5000,
        b'{"status": "done", "sealed": []}', b'{"status": "done", "sealed": {"scores.jsonl": []}}',
        b'{"status": "done", "sealed": {"scores.jsonl": [Infinity, "x"]}}',
        b'{"status": "done", "sealed": {"../../../etc/passwd": [1, "x"]}}',
        b'{"status": "done", "sealed": {"a\\u0000b": [1, "x"]}}', b'{"status": "done", "scored": []}',
        b'{"status": "done", "scored": {"modes": 5}}', b'{"status": "diverged", "diverged": {}}',
        b'{"status": "excellent"}', b'{"status": ["done"]}', b'{"status": "done", "step": "last"}',
        b'{"status": "done", "seconds": NaN}', b'{"status": "done", "mood": "good"}',
    ],
)  # fmt: skip
def test_damaged_states(folder: RunFolder, content: bytes) -> None:
    (folder.path / "state.json").write_bytes(content)
    with pytest.raises(DamagedRun, match=r"state\.json: damaged: .+\. the run is done again"):
        folder.state()


TWO = f"{json.dumps(SCORE)}, {json.dumps(SCORE)}"


@pytest.mark.parametrize(
    "line", ["5", "[]", "{}", '{"step": "x"}', '{"step": 1}', "[" * 100_000, "\0", "{}{}", TWO, ""]
)
def test_damaged_rows(folder: RunFolder, line: str) -> None:
    folder.write_state(replace(STATE, status="running"))
    with (folder.path / "scores.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DamagedRun, match=r"scores\.jsonl: damaged"):
        folder.check()


# --- atomic writes ---


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("place", ["_sync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), Crash()])
def test_a_crash_in_the_middle_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, error: BaseException
) -> None:
    path = tmp_path / "state.json"
    write_json(path, {"status": "old"})

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(*((files, "_sync") if place == "_sync" else (Path, "replace")), fail)
    with pytest.raises(type(error)):
        write_json(path, {"status": "new"})
    assert json.loads(path.read_text()) == {"status": "old"}
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"], "nothing is left behind"


def test_a_process_killed_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_json(path, {"status": "old"})
    code = (
        "import os, signal, sys; from pathlib import Path; from ganbench.results import files\n"
        "files._sync = lambda file: (file.flush(), os.kill(os.getpid(), signal.SIGKILL))\n"
        "files.write_json(Path(sys.argv[1]), {'status': 'new'})"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert json.loads(path.read_text()) == {"status": "old"}
    write_json(path, {"status": "newer"})
    assert json.loads(path.read_text()) == {"status": "newer"}


def test_a_state_holds_no_infinity(folder: RunFolder) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        folder.write_state(replace(STATE, seconds=float("inf")))
    assert folder.check() is not None


# --- locks ---

HOLD = (
    "import sys; from pathlib import Path; from ganbench.results.store import RunFolder\n"
    "lock = RunFolder(Path(sys.argv[1])).lock(); lock.acquire(); print('held', flush=True); sys.stdin.read()"
)


def test_a_lock_holds_across_processes_and_dies_with_its_process(folder: RunFolder) -> None:
    assert not folder.busy()
    words = [sys.executable, "-c", HOLD, str(folder.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        assert folder.busy()
        with pytest.raises(Timeout):
            folder.lock().acquire(timeout=0)
        holder.kill()
        holder.wait()
    assert not folder.busy()
    with folder.lock().acquire(timeout=0):
        pass


def test_a_lock_survives_the_clearing_of_its_run(folder: RunFolder) -> None:
    with folder.lock().acquire(timeout=0):
        folder.clear()
        with pytest.raises(Timeout):
            RunFolder(folder.path).lock().acquire(timeout=0)


# --- the results folder ---


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    Store(tmp_path / "new" / "results").open().open()
    names = {path.name for path in (tmp_path / "new" / "results").iterdir()}
    assert names == {"runs", "suites", "cache"}


@pytest.mark.parametrize("place", ["file", "file/results"])
def test_a_place_that_is_not_a_folder_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match=r"can't write results here: .+ choose another folder with --results"):
        Store(tmp_path / place).open()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(storing, "write_bytes", refuse)
    with pytest.raises(RequestError, match="can't write results here: Permission denied"):
        Store(tmp_path).open()


@contextmanager
def without_root() -> Iterator[None]:
    """Root may write anywhere, so its rights are given up for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)  # nobody
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with without_root(), pytest.raises(RequestError, match="Permission denied"):
        Store(tmp_path).open()


def test_runs_are_the_folders_with_a_spec_or_a_state(tmp_path: Path) -> None:
    """A run that fails before its spec is written has a state only, and `show` finds it."""
    store = Store(tmp_path).open()
    written(store.run("b"))
    for name in ("b", "a"):
        write_json(store.run(name).path / "spec.json", {})
    failed = store.run("c").fail(State("running"), "no data", "Traceback\n")
    (store.root / "runs" / "empty").mkdir()
    assert [folder.run_id for folder in store.runs()] == ["a", "b", "c"]
    shown = CliRunner().invoke(cli, ["show", "c", "--results", str(tmp_path)], catch_exceptions=False)
    assert failed.status == "failed" and "no data" in shown.output and "Traceback" in shown.output


def test_a_suite_is_meant_by_its_name_by_its_file_or_by_being_alone(tmp_path: Path) -> None:
    store = Store(tmp_path).open()
    write_json(store.manifest_path("study"), {})
    assert {suite_name(store, typed) for typed in ("study", "suites/study.yaml", "study.yml", None)} == {"study"}
    write_json(store.manifest_path("other"), {})
    with pytest.raises(RequestError, match="2 suites ran here"):
        suite_name(store, None)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("stduy", "no suite 'stduy' has run here. did you mean 'study'? known: study. run it first: ganbench run FILE"),
        ("x", "no suite 'x' has run here. known: study. run it first: ganbench run FILE"),
        ("suites/x.yaml", "no suite 'x' has run here. known: study. run it first: ganbench run suites/x.yaml"),
        (
            "no/x",
            "no/x: there is no such results folder. allowed: a suite's name or file. give a results folder w",
        ),
    ],
)
def test_a_suite_without_results_is_refused(tmp_path: Path, typed: str, told: str) -> None:
    store = Store(tmp_path).open()
    write_json(store.manifest_path("study"), {})
    with pytest.raises(RequestError, match=re.escape(told)):
        suite_name(store, typed)


def test_a_folder_in_place_of_a_suite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "results").open()
    monkeypatch.chdir(tmp_path)
    for typed in ("results", str(tmp_path / "results")):
        with pytest.raises(
            RequestError, match=r"a results folder, not a suite\. .* give a results folder with --results"
        ):
            suite_name(store, typed)


def test_commands_take_the_file_of_a_suite(tmp_path: Path) -> None:
    write_suite(tmp_path, [Run(curves={"hq": [0.5]})])
    place = ["--results", str(tmp_path)]
    for words in (["report", "suites/study.yaml"], ["report", "study", "suites/study.yaml"], ["watch", "study.yaml"]):
        done = CliRunner().invoke(cli, [*words, *place], catch_exceptions=False)
        assert done.exit_code == 0 and "study" in done.output
    for words in (["report", "stduy"], ["report", "study", "stduy"], ["watch", "stduy"], ["sync", "stduy"]):
        with pytest.raises(RequestError, match="did you mean 'study'"):
            CliRunner().invoke(cli, [*words, *place], catch_exceptions=False)


def test_the_logs_end(folder: RunFolder) -> None:
    (folder.path / "log.txt").write_bytes(b"\n".join(b"line %d" % i for i in range(50)) + b"\n\xff")
    assert folder.log_end(3) == ["line 48", "line 49", "�"]
