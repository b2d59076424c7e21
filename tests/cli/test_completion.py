"""What the shell offers after TAB, asked the way the shells' scripts ask."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ZshComplete

from ganbench.cli import cli
from ganbench.results.files import write_json
from tests.e2e.conftest import INLINE, Run, environment, ganbench

__all__ = ["ganbench"]

SUITE = "name: quick\ngrid: {variant: [ns, lsgan], dataset: ring8, seed: 2, steps: 20}\n"
PLANNED = ("--set", "evaluate.samples=100", "--set", "evaluate.with=modes", "--tracking-uri", "none", *INLINE)


def offered(*words: str) -> list[str]:
    """What is offered for the last of some words."""
    complete = ZshComplete(cli, {}, "ganbench", "_GANBENCH_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the results of two runs and of a suite, and with those of another suite elsewhere."""
    monkeypatch.chdir(tmp_path)
    for run_id in ("ns-ring8-s0-0123456789", "lsgan-ring8-s0-9876543210"):
        write_json(tmp_path / "results" / "runs" / run_id / "spec.json", {})
    for place, name in (("results", "quick"), ("elsewhere", "slow")):
        write_json(tmp_path / place / "suites" / f"{name}.json", {})
    return tmp_path


@pytest.mark.usefixtures("folder")
class TestNames:
    @pytest.mark.parametrize("command", ["report", "watch", "sync", "archive"])
    def test_suites(self, command: str) -> None:
        assert offered(command, "") == ["quick"]
        assert offered(command, "--results", "elsewhere", "s") == ["slow"]

    def test_a_file_where_no_suite_begins_so(self) -> None:
        complete = ZshComplete(cli, {}, "ganbench", "_GANBENCH_COMPLETE")
        (item,) = complete.get_completions(["report"], "suites/q")
        assert (item.value, item.type) == ("suites/q", "file")

    @pytest.mark.parametrize("command", ["show", "sample", "export"])
    def test_runs(self, command: str) -> None:
        assert offered(command, "ns-") == ["ns-ring8-s0-0123456789"]
        assert len(offered(command, "")) == 2
        assert offered(command, "--results", "elsewhere", "") == []

    def test_families_and_datasets(self) -> None:
        assert offered("list", "va") == ["variants"] and "penalties" in offered("list", "")
        assert offered("fetch", "mni") == ["mnist"]

    def test_axes_and_kinds(self) -> None:
        assert offered("run", "x.yaml", "--only", "b") == ["batchnorm=", "batch="]
        assert offered("run", "x.yaml", "--only", "variant=lsgan") == ["variant=lsgan", "variant=lsgan_gp"]
        assert offered("check", "quick.yaml", "--only", "variant=ns,wgan_") == ["variant=ns,wgan_gp"]
        assert offered("run", "x.yaml", "--only", "steps=") == []


def test_values_are_those_of_the_runs(ganbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "quick.yaml").write_text(SUITE)
    assert ganbench("run", "quick.yaml", *PLANNED, "--only", "seed=0").returncode == 0
    monkeypatch.chdir(tmp_path)
    assert offered("run", "quick.yaml", "--only", "variant=") == ["variant=ns", "variant=lsgan"]
    assert offered("run", "quick.yaml", "--only", "seed=0,") == ["seed=0,0", "seed=0,1"]
    assert offered("tune", "quick.yaml", "--only", "dataset=r") == ["dataset=ring8"]
    (tmp_path / "results" / "suites" / "quick.json").write_text("damaged")
    assert "variant=wgan" in offered("run", "quick.yaml", "--only", "variant=w")


def test_bash_asks_the_command_and_no_torch_is_loaded(folder: Path) -> None:
    """The command as the line in `.bashrc` and then the script that it defines call it."""
    run = "import sys; sys.argv[0] = 'ganbench'; import ganbench.cli as c, atexit; " \
          "atexit.register(lambda: print('torch' in sys.modules)); c.main()"  # fmt: skip
    asked = {"_GANBENCH_COMPLETE": "bash_complete", "COMP_WORDS": "ganbench show ns", "COMP_CWORD": "2"}
    words = [sys.executable, "-c", run]
    done = subprocess.run(words, env=environment() | asked, cwd=folder, capture_output=True, text=True)
    assert done.stdout.split() == ["plain,ns-ring8-s0-0123456789", "False"], done.stderr
