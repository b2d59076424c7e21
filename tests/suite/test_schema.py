"""The JSON Schema says yes to good suites and no to the mistakes that an editor can see."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from ganbench.cli.schema import schema as command
from ganbench.plugins import SUITE_FAMILIES, Registry
from ganbench.suite import schema
from tests.support.tiny import write_components

SUITES = sorted(Path(__file__).parents[2].glob("suites/**/*.yaml"))
GOOD = """
name: x
about: text
grid:
  - variant: [tiny_gan, {kind: tiny_gan, weight: [1, 2e-4], widths: [[8, 8], [16]]}]
    dataset: tiny_points
    batchnorm: [none, both]
    optimizer: {kind: tiny_sgd, lr: 0.1, g_lr: null}
    schedule: [d_first, {order: simultaneous, reuse_z: [true, false]}]
    precision: [float32, bf16]
    seed: 10
  - {variant: tiny_gan, dataset: [tiny_points], precision: float32, seed: [3, 4], network: {kind: tiny_net, width: 3}}
train:
  {steps: {tiny_points: 5, default: 6}, batch: 7, optimizer: tiny_sgd, precision: bf16,
   memory_format: {default: contiguous}}
evaluate: {every: 3, samples: 5, with: [tiny_score, {kind: tiny_score, features: [modes]}]}
exclude: [{where: {variant: tiny_gan, seed: [1, 2]}, because: why}]
select: best:score_pixels
plugins: [tiny_gan.py]
"""


@pytest.fixture
def validator(tmp_path: Path) -> Draft202012Validator:
    return Draft202012Validator(schema(Registry.of(write_components(tmp_path))))


def parsed(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_it_is_a_schema() -> None:
    made = schema()
    Draft202012Validator.check_schema(made)
    assert set(SUITE_FAMILIES) <= set(made["$defs"])
    assert "lsgan" in made["$defs"]["variant"]["anyOf"][0]["enum"]


def test_a_good_suite_is_valid(validator: Draft202012Validator) -> None:
    assert list(validator.iter_errors(parsed(GOOD))) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("name: x", "nmae: x"),
        ("name: x", "name: a b"),
        ("[tiny_gan, {", "[tiny_gam, {"),
        ("weight: [1, 2e-4]", "weight: -1"),
        ("weight: [1, 2e-4]", "weigth: 1"),
        ("[none, both]", "[no, both]"),
        ("seed: 10", "seed: 0"),
        ("batch: 7", "batch: 1.5"),
        ("precision: bf16", "precision: half"),
        ("precision: [float32, bf16]", "precision: [float32, half]"),
        ("seed: 10", "memory_format: contiguous"),
        ("order: simultaneous", "order: sim"),
        ("samples: 5", "sample: 5"),
        ("because: why", "since: why"),
        ("select: best:score_pixels", "select: first"),
        ("dataset: tiny_points\n", "network: tiny_net\n"),
    ],
)
def test_a_mistake_is_invalid(validator: Draft202012Validator, good: str, bad: str) -> None:
    assert good in GOOD
    assert list(validator.iter_errors(parsed(GOOD.replace(good, bad, 1)))) != []


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_the_shipped_suites_are_valid(path: Path) -> None:
    assert list(Draft202012Validator(schema()).iter_errors(parsed(path.read_text()))) == []


def test_the_command_knows_the_options_of_a_plugin(tmp_path: Path) -> None:
    plugins = [argument for path in write_components(tmp_path) for argument in ("--plugin", str(path))]
    printed = CliRunner().invoke(command, plugins)
    assert printed.exit_code == 0, printed.output
    knowing = Draft202012Validator(json.loads(printed.stdout))
    assert knowing.is_valid(parsed(GOOD)) and not knowing.is_valid(parsed(GOOD.replace("weight: ", "weigth: ")))


def test_a_suite_with_plugins_may_name_kinds_that_the_schema_does_not_know() -> None:
    without = Draft202012Validator(json.loads(CliRunner().invoke(command, []).stdout))
    assert without.is_valid(parsed(GOOD)) and without.is_valid(parsed(GOOD.replace("plugins: [", "include: x #")))
    assert not without.is_valid(parsed(GOOD.replace("plugins:", "#"))), "nothing defines tiny_gan"
    assert not without.is_valid(parsed(GOOD.replace("tiny_sgd, lr: 0.1", "adam, lr: fast"))), "adam is ganbench's own"
    for good, unknown in (("variant: [ns", "variant: [nsgan"), ("mlp", "my_net"), ("[modes]", "[modez]")):
        suite = "name: x\ngrid: {variant: [ns], dataset: ring8}\ntrain: {steps: 5, network: {default: mlp}}\n"
        suite += "evaluate: {with: [modes]}\n"
        assert without.is_valid(parsed(suite)) and not without.is_valid(parsed(suite.replace(good, unknown)))


def test_every_property_is_described() -> None:
    found = list(properties(schema()))
    assert len(found) > 900
    assert [name for name, body in found if not body.get("description", "").strip()] == []


def properties(node: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every property of every object of a schema; conditions under `if` and `else` describe no objects."""
    if isinstance(node, list):
        for item in node:
            yield from properties(item)
    elif isinstance(node, dict):
        yield from node.get("properties", {}).items()
        for key, below in node.items():
            if key not in ("if", "else"):
                yield from properties(list(below.values()) if key in ("properties", "$defs") else below)
