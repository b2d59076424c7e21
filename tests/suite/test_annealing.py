"""Options that change during training, in a suite: what they become, and the mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from ganbench.annealing import Annealing
from ganbench.errors import SuiteError
from ganbench.plugins import Registry
from ganbench.runner.job import read_spec
from ganbench.spec import HalfLife, RunSpec, plain
from ganbench.suite import load, schema

OPTIMIZER = "{kind: adam, lr: {from: 2e-4, to: 0, warmup: 3}, beta2: {from: 0.9, to: 0.99, shape: cosine, over: 8}}"
TEXT = f"""
name: x
grid:
  variant: {{kind: r3gan, gamma: 1}}
  penalty: {{kind: l2, weight: 1}}
  dataset: ring8
train:
  steps: 10
  optimizer: {OPTIMIZER}
  schedule: {{ema: {{half_life: {{from: 0, to: 50}}}}}}
  g_batch: 128
"""
PAPER = Path(__file__).parents[2] / "suites" / "paper" / "cifar10-resnet.yaml"


def specs(folder: Path, text: str) -> tuple[RunSpec, ...]:
    path = folder / "suite.yaml"
    path.write_text(text)
    return load(path).specs


def test_mappings_become_courses(tmp_path: Path) -> None:
    (spec,) = specs(tmp_path, TEXT)
    assert vars(spec.optimizer)["lr"] == Annealing(start=2e-4, to=0, warmup=3)
    assert vars(spec.optimizer)["beta2"] == Annealing(start=0.9, to=0.99, shape="cosine", over=8)
    assert isinstance(spec.schedule.ema, HalfLife)
    assert vars(spec.schedule.ema)["half_life"] == Annealing(start=0, to=50)
    assert (spec.batch_of("d"), spec.batch_of("g")) == (64, 128)
    optimizer = "adam[lr=0.0002 to 0 warmup 3,beta2=0.9 to 0.99 cosine over 8]"
    assert (spec.columns()["optimizer"], spec.columns()["schedule"]) == (optimizer, "d_first[ema=half-life 0 to 50]")


def test_a_spec_is_read_as_it_was_written(tmp_path: Path) -> None:
    (spec,) = specs(tmp_path, TEXT)
    assert read_spec(json.loads(json.dumps(spec.canonical())), Registry.of()) == spec
    assert json.loads(json.dumps(plain(spec, complete=True)))["optimizer"]["lr"]["from"] == 2e-4


def test_a_list_inside_is_an_axis(tmp_path: Path) -> None:
    text = TEXT.replace("gamma: 1", "gamma: [1, {from: [1, 2], to: 0.1, shape: [linear, cosine]}]")
    text = text.replace("weight: 1", "weight: [{from: 1, shape: step, milestones: [2, 4]}, 1]")
    found = specs(tmp_path, text)
    assert len({spec.run_id() for spec in found}) == len(found) == 10
    assert {spec.columns()["penalty"] for spec in found} == {"l2", "l2[weight=1 x0.1 at 2 4]"}


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("gamma: 1", "gamma: {from: 1, shape: cosin}", "shape = cosin must be one of linear, cosine, step"),
        ("gamma: 1", "gamma: {to: 1}", "variant r3gan: gamma needs the option 'from'"),
        ("gamma: 1", "gamma: {from: 1, til: 2}", "variant r3gan: gamma has no option 'til'"),
        ("gamma: 1", "gamma: fast", "gamma = fast must be a number or a mapping such as {from: 2e-4, to: 0}"),
        ("gamma: 1", "gamma: -1", "gamma = -1 must be at least 0\n"),
        ("gamma: 1", "gamma: {from: -1}", "variant r3gan: gamma: from = -1 must be at least 0"),
        ("to: 0.99", "to: 1", "optimizer adam: beta2: to = 1 must be below 1"),
        ("from: 2e-4", "from: 2e-4, eps: 1", "optimizer adam: lr has no option 'eps'"),
        ("kind: adam", "kind: adam, eps: {from: 1}", "optimizer adam: eps = {from: 1} must be a number"),
        ("over: 8", "over: 8, milestones: [3]", "milestones and factor belong to the shape step, not to cosine"),
        ("weight: 1", "weight: {from: 1, shape: step}", "penalty l2: weight: the shape step needs milestones"),
        ("from: 0,", "from: x,", "schedule: ema: half_life: from = x must be a number"),
        ("{half_life:", "{halflife:", "schedule: ema has no option 'halflife'. did you mean 'half_life'?"),
        ("g_batch: 128", "g_batch: 1", "g_batch = 1 must be at least 2"),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, good: str, bad: str, message: str) -> None:
    assert good in TEXT
    with pytest.raises(SuiteError) as mistake:
        specs(tmp_path, TEXT.replace(good, bad, 1))
    assert message in str(mistake.value)


def test_the_mistake_of_a_course_is_shown_inside_it(tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as mistake:
        specs(tmp_path, TEXT.replace("gamma: 1", "gamma: {from: 1, shape: cosin}"))
    _, line, caret = str(mistake.value).splitlines()[:3]
    assert line[caret.index("^") :].startswith("cosin}")


def parsed(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_the_json_schema_knows_them() -> None:
    validator = Draft202012Validator(schema())
    assert list(validator.iter_errors(parsed(TEXT))) == []
    for good, bad in (("shape: cosine", "shape: cosin"), ("{from: 2e-4", "{form: 2e-4"), ("half_life", "halflife")):
        assert list(validator.iter_errors(parsed(TEXT.replace(good, bad)))) != []


def test_the_paper_suite_follows_its_papers() -> None:
    train = parsed(PAPER.read_text())["train"]
    assert train["optimizer"] == {"kind": "adam", "lr": {"from": 2e-4, "to": 0}, "beta1": 0, "beta2": 0.9}
    assert (train["batch"], train["g_batch"]) == (64, 128)
