"""A suite in Python: run, its results as frames and as a page, and the same files that the command writes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

import ganbench as gb
from ganbench.api.execution import TrainingOptions
from ganbench.api.training import TrainingKeywords
from tests.api.conftest import SECTIONS
from tests.e2e.conftest import within


def test_run_trains_what_the_command_trains(results: gb.Results, tmp_path: Path) -> None:
    text = "\n".join(f"{key}: {value!r}" for key, value in ({"name": "small"} | SECTIONS).items())
    (tmp_path / "small.yaml").write_text(text)
    done = within(tmp_path, "run", "small.yaml", "--executor", "inline", "--tracking-uri", "none")
    assert done.returncode == 0, done.stderr
    assert gb.open_results(tmp_path / "results").table().equals(results.table())
    assert within(results.store.root.parent, "report").stdout.strip() == str(results.report()).strip()


def test_finished_runs_stay_and_seeds_replace(
    results: gb.Results, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(results.store.root, tmp_path / "copy")
    fewer = gb.run(gb.Suite("small", **SECTIONS), tmp_path / "copy", seeds=1, executor="inline", tracking_uri="none")
    assert "small: 2 runs = 2 done + 0 to run" in capsys.readouterr().err
    assert len(fewer) == 2 and set(fewer.run_ids()) < set(results.run_ids())


def test_the_keywords_are_the_options() -> None:
    assert TrainingKeywords.__annotations__.keys() | {"results"} == TrainingOptions.__dataclass_fields__.keys()


def test_the_table_has_its_documented_columns(results: gb.Results) -> None:
    table = results.table()
    kinds = {name: str(kind) for name, kind in table.dtypes.items()}
    text = ("run_id", "suite", "variant", "dataset", "network", "batchnorm", "optimizer", "status", "metric")
    assert {kinds.pop(name) for name in text} == {"str"}
    assert kinds == {"seed": "int64", "step": "Int64", "n": "Int64", "value": "float64", "stderr": "float64"}
    assert set(table["step"]) == {20, 40} and set(table["n"]) == {200}


def test_outcomes_and_claims_are_frames(results: gb.Results) -> None:
    outcomes = results.outcomes()
    assert set(outcomes["run_id"]) == set(results.run_ids())
    assert str(outcomes["step"].dtype) == "Int64" and set(outcomes["outcome"]) <= {"stable", "collapsed", "never_good"}
    claims = results.claims()
    assert claims.empty and str(claims["effect"].dtype) == "float64" and str(claims["seeds_needed"].dtype) == "Int64"


def test_the_report_is_shown_by_a_notebook(results: gb.Results, tmp_path: Path) -> None:
    report = results.report()
    assert report._repr_html_().startswith('<iframe srcdoc="&lt;!') and report._repr_markdown_() == str(report)
    assert results._repr_markdown_() == str(report) and str(report).startswith("# small")
    assert report.save(tmp_path / "report.html").read_text().startswith("<!")
    with pytest.raises(gb.RequestError, match=r"no format ends with '\.pdf'. allowed: \.md, \.tex"):
        report.save(tmp_path / "report.pdf")
    with pytest.raises(gb.RequestError, match="rule"):
        results.report("fastest")


def test_a_run_is_found_by_the_beginning_of_its_id(results: gb.Results) -> None:
    run = results["lsgan-ring8-bn0-adam-s1"]
    assert run.run_id in results.run_ids() and run.spec.seed == 1 and run.spec.variant.kind() == "lsgan"
    assert run.marks == (20, 40) and [run.run_id for run in results] == list(results.run_ids())
    scores = run.scores
    assert list(scores.columns) == ["step", "metric", "value", "stderr", "n", "n_reference", "evaluator"]
    assert set(scores["step"]) == {20, 40} and run.run_id in run._repr_markdown_()
    with pytest.raises(gb.RequestError, match="matches 2 runs"):
        _ = results["lsgan"]


def test_the_generator_is_a_module(results: gb.Results) -> None:
    generator = results["ns-ring8-bn0-adam-s0"].generator()
    assert isinstance(generator, torch.nn.Module) and not generator.training
    assert generator(torch.zeros(3, 8)).shape == (3, 2)


def test_results_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(gb.RequestError, match="no suite has run here"):
        gb.open_results(tmp_path)
