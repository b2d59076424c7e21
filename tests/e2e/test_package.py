"""The example of a package: installed, its components and its hook are found by name, pass the checks, and run."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench.features.bank import Bank
from ganbench.plugins import Registry
from ganbench.testing import check_component, check_evaluator, check_run, small_run
from tests.e2e.conftest import INLINE, Run, ganbench
from tests.support.evaluation import points_data
from tests.support.pages import ROOT, code

__all__ = ["ganbench"]

EXAMPLE = ROOT / "docs" / "examples" / "ganbench-example"
PAGE = "docs/how-to/package.md"
PROJECT: dict[str, Any] = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]


@pytest.fixture
def installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package as an installer leaves it: its modules, and its metadata with the entry points of pyproject.toml."""
    site = tmp_path_factory.mktemp("site-packages")
    shutil.copytree(EXAMPLE / "src" / "ganbench_example", site / "ganbench_example")
    metadata = site / f"ganbench_example-{PROJECT['version']}.dist-info"
    metadata.mkdir()
    heads = f"Metadata-Version: 2.1\nName: {PROJECT['name']}\nVersion: {PROJECT['version']}\n"
    (metadata / "METADATA").write_text(heads)
    groups = PROJECT["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in some.items()) for group, some in groups]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(site)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "ganbench_example"]:
        del sys.modules[name]


@pytest.mark.usefixtures("installed")
def test_its_components_pass_the_checks(tmp_path: Path) -> None:
    registry = Registry.of()
    variant: Any = registry.find("variant", "pearson")()
    penalty: Any = registry.find("penalty", "score_drift")()
    evaluator: Any = registry.find("evaluator", "mean_shift")()
    for component in (variant, penalty, evaluator):
        assert len(component.digest) == 64
        check_component(component, registry)
    check_run(small_run(variant=variant))
    check_run(small_run(penalty=penalty))
    real = Bank(tmp_path / "cache").reference(points_data([[0.0, 0.0], [2.0, 4.0]] * 3))
    (score,) = check_evaluator(evaluator, real.view(torch.tensor([[4.0, 6.0], [4.0, 6.0]])), real).values()
    assert score.value == 25  # from (1, 2) to (4, 6)


@pytest.mark.usefixtures("installed")
def test_a_suite_names_them_without_plugins_and_the_hook_logs(ganbench: Run, tmp_path: Path) -> None:
    (tmp_path / "packaged.yaml").write_text(code(PAGE, "The suite that uses it", "yaml"))
    done = ganbench("run", "packaged.yaml", "--tracking-uri", "none", "--hook", "csv_log", "--record-packages", *INLINE)
    assert done.returncode == 0, done.stderr
    for file in (tmp_path / "results" / "runs").glob("*/env.json"):
        (session,) = json.loads(file.read_text())["sessions"]
        assert session["software"]["packages"]["ganbench-example"] == PROJECT["version"]
    with (tmp_path / "results" / "scores.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert {(step, metric) for _, step, metric, _ in rows} >= {("50", "mean_shift"), ("100", "modes")}
    assert len({run_id for run_id, *_ in rows}) == 4
    report = ganbench("report", "packaged").stdout
    assert "pearson" in report and "score_drift[weight=0.01]" in report and "mean_shift" in report


@pytest.mark.usefixtures("installed")
def test_an_unknown_hook_names_the_installed_one(ganbench: Run, tmp_path: Path) -> None:
    (tmp_path / "packaged.yaml").write_text("name: x\ngrid: {variant: pearson, dataset: ring8, steps: 1}\n")
    done = ganbench("run", "packaged.yaml", "--hook", "csv_lgo", *INLINE)
    assert done.returncode == 2 and "one of csv_log, tensorboard" in done.stderr
    assert not (tmp_path / "results" / "runs").exists()


def test_the_page_shows_its_entry_points() -> None:
    shown = tomllib.loads(code(PAGE, "The package", "toml"))["project"]["entry-points"]
    assert shown == PROJECT["entry-points"]
