"""Hooks: what they are called with, that their failures change nothing, and TensorBoard's files read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import RequestError
from ganbench.results.files import write_json
from ganbench.results.store import RunFolder, State, Store
from ganbench.tracking.hook_caller import HookCaller
from ganbench.tracking.hooks import Hook, load_hook

FAKE_TRACKER = """
from ganbench.tracking.hooks import Hook


class Fake(Hook):
    def __init__(self):
        self.log = []

    def on_run_start(self, run):
        self.log.append(("start", run.run_id, run.columns["variant"]))

    def on_scores(self, run, step, scores):
        self.log.append((step, dict(scores)))

    def on_run_end(self, run, status):
        self.log.append(("end", status))
"""


def begin(store: Store, run_id: str = "a-run") -> RunFolder:
    folder = store.run(run_id)
    write_json(folder.path / "spec.json", {"run_id": run_id, "spec": {}, "columns": {"variant": "ns", "seed": 0}})
    folder.write_state(State(status="running"))
    return folder


def score(folder: RunFolder, step: int, **values: float) -> None:
    rows = [{"step": step, "time": 1.7e9, "metric": name, "value": value, "stderr": None, "n": 10, "n_reference": None,
             "evaluator": "e", "fingerprint": {}} for name, value in values.items()]  # fmt: skip
    folder.append("scores.jsonl", rows)


def called(store: Store, *hooks: Hook) -> list[str]:
    """What is said while a run is trained whose folder is followed by these hooks."""
    said: list[str] = []
    caller = HookCaller(store, hooks, said.append, every=60)
    caller.start("quick", ["a-run", "never-begins"])
    folder = begin(store)
    score(folder, 10, fid=3.0, modes=8.0)
    score(folder, 20, fid=2.0)
    folder.write_state(State(status="done", step=20))
    caller.close()
    return said


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results").open()


def fake(folder: Path) -> Any:
    (folder / "fake_tracker.py").write_text(FAKE_TRACKER)
    return load_hook(str(folder / "fake_tracker.py"))


def test_a_hook_of_a_file_sees_a_run(store: Store, tmp_path: Path) -> None:
    hook = fake(tmp_path)
    assert called(store, hook) == []
    scores = [(10, {"fid": 3.0, "modes": 8.0}), (20, {"fid": 2.0})]
    assert hook.log == [("start", "a-run", "ns"), *scores, ("end", "done")]


def test_a_run_that_was_over_is_not_reported_again(store: Store, tmp_path: Path) -> None:
    called(store, fake(tmp_path))
    hook = fake(tmp_path)
    caller = HookCaller(store, [hook], print, every=60)
    caller.start("quick", ["a-run"])
    caller.close()
    assert hook.log == []


def test_a_run_that_goes_on_reports_new_scores_only(store: Store, tmp_path: Path) -> None:
    folder = begin(store)
    score(folder, 10, fid=3.0)
    folder.write_state(State(status="running", step=10))
    hook = fake(tmp_path)
    caller = HookCaller(store, [hook], print, every=60)
    caller.start("quick", ["a-run"])
    score(folder, 20, fid=2.0)
    folder.write_state(State(status="diverged", step=20, diverged={"step": 20, "term": "d/real"}))
    caller.close()
    assert hook.log == [("start", "a-run", "ns"), (20, {"fid": 2.0}), ("end", "diverged")]


def test_a_failing_hook_is_reported_once_and_keeps_no_other_from_its_calls(store: Store, tmp_path: Path) -> None:
    class Broken(Hook):
        def on_scores(self, *given: Any) -> None:
            raise ConnectionError("the tracker is down")

    hook = fake(tmp_path)
    (said,) = called(store, Broken(), hook)
    assert said.startswith("the hook Broken failed in on_scores: ConnectionError") and len(hook.log) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = 1", "it defines no hook"),
        (FAKE_TRACKER + "class Other(Hook): pass", "it defines Fake and Other"),
        ("import nothing_of_this_name", "it can't be imported: ModuleNotFoundError"),
        (FAKE_TRACKER.replace("self.log = []", "1 / 0"), "its hook can't be made: ZeroDivisionError"),
    ],
)
def test_a_file_without_a_usable_hook_is_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(content)
    with pytest.raises(RequestError, match=message):
        load_hook(str(tmp_path / "mine.py"))


def test_an_unknown_hook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"there is no hook 'wandb'.*one of tensorboard"):
        load_hook("wandb")
    with pytest.raises(RequestError, match="is no file"):
        load_hook(str(tmp_path / "absent.py"))


def test_tensorboard_files_hold_the_scores(store: Store) -> None:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    assert called(store, load_hook("tensorboard")) == []
    (file,) = (store.root / "tensorboard" / "quick" / "a-run").iterdir()
    read = [(event.step, value.tag, value.tensor.float_val[0] if value.HasField("tensor") else value.simple_value)
            for event in EventFileLoader(str(file)).Load() for value in event.summary.value]  # fmt: skip
    assert read == [(10, "fid", 3.0), (10, "modes", 8.0), (20, "fid", 2.0)]
