"""What a run ran on."""

from __future__ import annotations

import json
import socket
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

import ganbench
from ganbench.runner import environment
from ganbench.spec import Arithmetic
from ganbench.training import products


@pytest.fixture(autouse=True)
def forget() -> Any:
    environment._git.cache_clear()
    environment._software.cache_clear()
    yield
    environment._git.cache_clear()
    environment._software.cache_clear()


def test_the_record_of_a_run_names_its_host_and_the_job_of_its_engine() -> None:
    assert environment.describe("cpu", (0,), Arithmetic()).host == socket.gethostname()
    both = {"RAY_JOB_ID": "01000000", "SLURM_JOB_ID": "77"}
    assert environment.engine_job(both) == "ray 01000000" and environment.engine_job({}) is None
    assert environment.engine_job({"SLURM_JOB_ID": "77"}) == "slurm 77"


def test_the_record_of_a_run_is_json_and_complete() -> None:
    about = json.loads(json.dumps(asdict(environment.describe("cpu", (0, 1, 2), Arithmetic()))))
    assert about["ganbench"] == ganbench.__version__ and about["device"] == "cpu" and about["pack"] == [0, 1, 2]
    assert about["threads"] == torch.get_num_threads() and about["device_name"]
    assert about["packages"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert about["deterministic"].keys() == {"algorithms", "cudnn", "cudnn_benchmark", "tf32"}
    assert all(type(switch) is bool for switch in about["deterministic"].values())


@pytest.mark.parametrize(("kernels", "named"), [("Zen", "numpy Zen"), (None, "torch")])
def test_the_library_of_products_is_recorded(monkeypatch: pytest.MonkeyPatch, kernels: str | None, named: str) -> None:
    monkeypatch.setattr(products, "kernels", lambda: kernels)
    assert environment.describe("cpu", (0,), Arithmetic()).products == named


def test_everything_installed_is_recorded_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.describe("cpu", (0,), Arithmetic()).software is None
    monkeypatch.setattr(environment, "smi", lambda *words: "580.65.06\n580.65.06\n" if "driver" in words[0] else None)
    about = json.loads(json.dumps(asdict(environment.describe("cpu", (0,), Arithmetic(), record_packages=True))))
    software = about["software"]
    assert software["packages"].items() >= about["packages"].items() and "pytest" in software["packages"]
    assert software["cuda"] == torch.version.cuda and software["driver"] == "580.65.06"
    environment._software.cache_clear()
    monkeypatch.setattr(environment, "smi", lambda *_: None)
    assert environment._software().driver is None


def test_a_package_that_is_absent_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    environment._packages.cache_clear()
    monkeypatch.setattr(environment, "PACKAGES", ("torch", "no-such-package"))
    assert environment.describe("cpu", (0,), Arithmetic()).packages.keys() == {"torch"}
    environment._packages.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout that ganbench seems to run from."""
    (tmp_path / "ganbench").mkdir()
    (tmp_path / "ganbench" / "environment.py").write_text("")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setattr("ganbench.__file__", str(tmp_path / "ganbench" / "environment.py"))
    return tmp_path


def test_commit_and_dirt_of_a_checkout(checkout: Path) -> None:
    clean = environment.describe("cpu", (0,), Arithmetic()).git
    assert clean is not None and clean.dirty is False and len(clean.commit) == 40
    (checkout / "results.txt").write_text("untracked files are no dirt")
    environment._git.cache_clear()
    assert environment.describe("cpu", (0,), Arithmetic()).git == clean
    (checkout / "ganbench" / "environment.py").write_text("changed")
    environment._git.cache_clear()
    assert environment.describe("cpu", (0,), Arithmetic()).git == replace(clean, dirty=True)


def test_an_installed_package_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.__file__", str(tmp_path / "site-packages" / "environment.py"))
    assert environment.describe("cpu", (0,), Arithmetic()).git is None


@pytest.mark.parametrize("error", [FileNotFoundError("git"), subprocess.TimeoutExpired("git", 10)])
def test_without_git_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert environment.describe("cpu", (0,), Arithmetic()).git is None
