"""`ganbench run --hook FILE.py`: what a tracker gets of a suite's runs, and that a broken one changes nothing."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from tests.e2e.conftest import INLINE, MARK, STEPS, Run, ganbench, suite
from tests.support.pages import code

__all__ = ["ganbench", "suite"]

OWN = """\
import json
from ganbench.tracking.hooks import Hook


class Lines(Hook):
    def __init__(self):
        self.file = open("lines.jsonl", "w")

    def write(self, *what):
        self.file.write(json.dumps(what) + "\\n")

    def on_run_start(self, run):
        self.write("start", run.run_id, run.suite, run.columns["variant"], run.path.is_dir())

    def on_scores(self, run, step, scores):
        self.write("scores", run.run_id, step, scores["modes"])

    def on_run_end(self, run, status):
        self.write("end", run.run_id, status)

    def close(self):
        self.file.close()
"""
BROKEN = """\
from ganbench.tracking.hooks import Hook


class Broken(Hook):
    def on_run_start(self, run):
        raise ConnectionError("the tracker is down")
"""


@dataclass
class FakeRun:
    """A run of Weights & Biases, which only takes steps that do not fall, and nothing once it is finished."""

    config: dict[str, object]
    logged: dict[int, dict[str, float]] = field(default_factory=dict)
    finished: bool = False

    def log(self, data: dict[str, float], step: int) -> None:
        assert not self.finished and step >= max(self.logged, default=0)
        self.logged[step] = data

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeRun]:
    """The runs that a module in the place of wandb has begun."""
    runs: dict[str, FakeRun] = {}

    def init(*, project: str, id: str, config: dict[str, object], resume: str, reinit: str) -> FakeRun:
        assert project == "small" and resume == "allow" and reinit == "create_new" and id not in runs
        return runs.setdefault(id, FakeRun(config))

    module = ModuleType("wandb")
    module.init = init  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    return runs


def test_own_hooks_see_every_run(ganbench: Run, suite: Path, tmp_path: Path, wandb: dict[str, FakeRun]) -> None:
    files = {
        "lines.py": OWN,
        "broken.py": BROKEN,
        "my_tracker.py": code("docs/reference/commands.md", "Other trackers"),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    hooks = [word for name in files for word in ("--hook", name)]
    done = ganbench("run", suite.name, "--only", "seed=0", "--tracking-uri", "none", *hooks, *INLINE)
    assert done.returncode == 0, done.stderr
    said = "the hook Broken failed in on_run_start: ConnectionError('the tracker is down'). No run depends on it."
    assert done.stderr.count("the hook") == 1 and said in " ".join(done.stderr.split())

    lines = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert {line[1] for line in lines} == set(wandb) and len(wandb) == 2
    marks = list(range(MARK, STEPS + 1, MARK))
    for run_id, run in wandb.items():
        own = [line for line in lines if line[1] == run_id]
        assert own[0] == ["start", run_id, "small", run.config["variant"], True]
        assert [line[2] for line in own[1:-1]] == marks and own[-1] == ["end", run_id, "done"]
        assert run.finished and run.config["seed"] == 0
        assert {step: scores["modes"] for step, scores in run.logged.items()} == {
            line[2]: line[3] for line in own[1:-1]
        }
    assert {run.config["variant"] for run in wandb.values()} == {"ns", "lsgan"}


@pytest.mark.parametrize(("hook", "says"), [("absent.py", "absent.py is no file"), ("own.py", "it defines no hook")])
def test_a_wrong_hook_ends_before_anything_is_trained(
    hook: str, says: str, ganbench: Run, suite: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text("x = 1\n")
    done = ganbench("run", suite.name, "--hook", hook, *INLINE)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.glob("results/runs/*"))
