"""Suites in Python: those of files, and those written in place, with the same checks."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import ganbench as gb
from ganbench.suite import load
from tests.api.conftest import SECTIONS


def mistakes(**sections: Any) -> list[str]:
    with pytest.raises(gb.SuiteError) as error:
        gb.Suite(**({"name": "small"} | deepcopy(SECTIONS) | sections))
    return [str(mistake) for mistake in error.value.mistakes]


def test_a_declared_suite_is_that_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(
        "name: small\n"
        "grid: {variant: [ns, lsgan], dataset: ring8, seed: 2}\n"
        "train: {network: {kind: mlp, z: 8, g_widths: [16], d_widths: [16]}, steps: 40, batch: 32}\n"
        "evaluate: {every: 20, samples: 200, with: [modes]}\n"
        "outcome: {good: {metric: hq, at_least: 0.5}, diverse: {metric: modes, at_least: 7}}\n"
    )
    read, declared = gb.load_suite(tmp_path / "small.yaml"), gb.Suite("small", **SECTIONS)
    assert read.specs == declared.specs and read.questions == declared.questions
    assert [spec.run_id() for spec in read.specs] == [spec.run_id() for spec in declared.specs]


def test_mistakes_are_named_by_their_key() -> None:
    grid = {"variant": ["ns", {"kind": "wgan_gp", "gp_wieght": 10}], "dataset": "ring9", "seed": 2}
    first, second = sorted(mistakes(grid=grid))
    assert first.startswith("grid.dataset  there is no dataset 'ring9'. did you mean 'ring8'?")
    assert second.startswith("grid.variant[1].gp_wieght  variant wgan_gp has no option 'gp_wieght'")


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"grd": {}}, "grd  a suite has no key 'grd'. did you mean 'grid'?"),
        ({"about": {1, 2}}, "about  a set has no meaning in a suite"),
        ({"about": "a\0b"}, "about  a text has a NUL"),
        ({"train": {"steps": 0}}, "train.steps  steps = 0 must be"),
        ({"train": {"steps": float("nan")}}, "train.steps  steps = NaN must be"),
        ({"name": "a/b"}, "name  name = a/b can't name a suite"),
    ],
)
def test_the_checks_are_those_of_a_file(sections: dict[str, Any], said: str) -> None:
    assert any(text.startswith(said) for text in mistakes(**sections)), mistakes(**sections)


def test_a_list_in_itself_ends() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert any("it is nested too deep" in text for text in mistakes(exclude=circle))


def test_seeds_may_be_a_range() -> None:
    suite = gb.Suite("small", **(SECTIONS | {"grid": SECTIONS["grid"] | {"seed": range(3, 6)}}))
    assert sorted({spec.seed for spec in suite.specs}) == [3, 4, 5]


def test_changes_of_a_file() -> None:
    path = Path(__file__).parents[2] / "suites" / "quick.yaml"
    suite = gb.load_suite(path, only=["variant=ns"], changes=["train.steps=20", "evaluate.every=10"])
    assert {spec.steps for spec in suite.specs} == {20} and {spec.variant.kind() for spec in suite.specs} == {"ns"}
    assert len(load(path).specs) > len(suite.specs)
