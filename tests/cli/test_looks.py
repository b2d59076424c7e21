"""`ganbench run` in stages: each look is planned when the claims have been tested at the one before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ganbench.errors import SuiteError
from ganbench.results.manifest import read_manifest
from ganbench.results.store import Store
from ganbench.suite import Changes, load
from tests.e2e.conftest import within

SUITE = """\
name: study
grid: {variant: [ns, lsgan, hinge], dataset: ring8, seed: 10}
train: {network: {kind: mlp, z: 4, g_widths: [8], d_widths: [8]}, steps: 2, batch: 8}
evaluate: {samples: 50, with: [modes]}
looks: [8, 10]
looked_at: [20, 21]
claims:
  - {says: easy, source: x, where: {variant: hinge}, value: {metric: modes, at_least: -1}}
  - {says: open, source: x, compare: {axis: variant, better: lsgan, worse: ns, metric: modes}}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(SUITE)
    return path


def run(suite: Path, *flags: str) -> tuple[str, str]:
    """What the command prints on stdout and on stderr."""
    options = ("--results", str(suite.parent / "results"), "--executor", "inline", "--tracking-uri", "none")
    done = within(suite.parent, "run", suite, *options, *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_only_the_cells_of_open_claims_go_on_and_all_looks_runs_the_rest(suite: Path) -> None:
    stdout, stderr = run(suite, "-n")
    assert len(stdout.split()) == 24
    assert "look 2 of 2, 10 seeds: up to 6 runs" in stderr
    stdout, stderr = run(suite, "--json")
    assert (json.loads(stdout)["runs"], json.loads(stdout)["done"]) == (28, 28)
    assert "look 2 of 2, 10 seeds: open claims need 4 of 6 runs" in stderr
    assert json.loads(run(suite, "--json")[0])["runs"] == 28, "a finished suite counts the runs of every look"
    packs = read_manifest(Store(suite.parent / "results"), "study").packs
    assert {min(seeds) >= 8 or max(seeds) < 8 for seeds in packs.values()} == {True}, "no pack has seeds of two looks"
    assert json.loads(run(suite, "--json", "--all-looks")[0])["skipped"] == 28
    assert read_manifest(Store(suite.parent / "results"), "study").packs == packs


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("[8, 10]", "[10, 8]", "ascending"),
        ("[8, 10]", "[4, 8]", "the last look is after 8 seeds, and a cell has 10"),
        ("seed: 10}", "seed: [0, 1, 2, 3, 4, 5, 6, 7, 8, 20]}", "set by looking at seeds 20"),
    ],
)
def test_mistakes(suite: Path, before: str, after: str, says: str) -> None:
    suite.write_text(SUITE.replace(before, after))
    with pytest.raises(SuiteError, match=says):
        load(suite)


def test_flags_never_take_seeds_that_were_looked_at(suite: Path) -> None:
    suite.write_text(SUITE.replace("looked_at: [20, 21]", "looked_at: [3]").replace("seed: 10", "seed: [10, 11]")
                     .replace("[8, 10]", "[2]"))  # fmt: skip
    with pytest.raises(SuiteError, match=r"--seeds 5: .*looking at seeds 3"):
        load(suite, Changes(seeds=5))
    assert len(load(suite, Changes(seeds=2)).specs) == 6, "fewer seeds than a look are a trial"


def test_looks_count_into_a_list_of_seeds(suite: Path) -> None:
    suite.write_text(SUITE.replace("seed: 10}", "seed: [9, 8, 7, 6, 5, 4, 3]}").replace("[8, 10]", "[2, 7]"))
    first, second = load(suite).by_look
    assert [spec.seed for spec in first[:2]] == [9, 8]
    assert {spec.seed for spec in second} == {7, 6, 5, 4, 3}
