"""`ganbench check --power`: a table or JSON for each suite, and a sentence where the data are absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import within

SUITE = """\
name: study
grid: {variant: [ns, lsgan], dataset: ring8, seed: 10}
train: {steps: 2, batch: 8}
evaluate: {samples: 50, with: [modes]}
outcome: {good: {metric: hq, at_least: 0.5}, diverse: {metric: modes, at_least: 7}}
claims:
  - says: lsgan is stable and ns is not
    source: x
    all:
      - {where: {variant: lsgan}, value: {metric: stable, at_least: 0.5}, published: {value: 0.9}}
      - {compare: {axis: variant, better: lsgan, worse: ns, metric: collapsed}, published: {better: 0.1, worse: 0.8}}
  - says: eight modes
    source: x
    where: {variant: lsgan}
    value: {metric: modes, at_least: 7}
    published: {value: [8, 0.5]}
  - {says: more modes, source: x, compare: {axis: variant, better: lsgan, worse: ns, metric: modes}}
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(SUITE)
    return path


def check(*arguments: str) -> tuple[int, str, str]:
    done = within(Path(), "check", *arguments)
    return done.returncode, done.stdout, done.stderr


def test_json_has_every_part(suite: Path) -> None:
    code, stdout, _ = check(str(suite), "--power", "--json")
    body = json.loads(stdout)
    assert (code, body["format"], body["suite"]) == (0, 1, "study")
    level, contrast, mean, modes = body["parts"]
    assert {part["level"] for part in body["parts"]} == {0.05 / 3}
    assert level["effect"] == pytest.approx(0.4)
    assert level["power"] == pytest.approx(0.9**10), "only ten of ten are significant at a third of the level"
    assert (contrast["known"], contrast["effect"], contrast["unit"]) == ("published", pytest.approx(0.7), "rate")
    assert (mean["effect"], mean["unit"], mean["known"]) == (2.0, "sd", "published")
    assert (modes["effect"], modes["known"]) == (1.0, "one standard deviation")
    assert all(part["answerable"] and 0 < part["power"] <= 1 for part in body["parts"])


def test_the_table_says_the_same(suite: Path) -> None:
    code, stdout, _ = check(str(suite), "--power")
    assert code == 0
    assert "3 of 3 claims can be answered after 10 seeds" in stdout
    assert "1. lsgan is stable and ns is not" in stdout
    assert "0.40 (published)" in stdout and "1.00 sd" in stdout


def test_absent_data_are_named_and_other_mistakes_stay_mistakes(suite: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.yaml"
    absent.write_text(SUITE.replace("ring8", "{kind: hwdb, path: nowhere, codes: level1}"))
    code, stdout, stderr = check(str(absent), str(suite), "--power")
    assert code == 0 and "3 of 3 claims" in stdout
    assert "its claims can't be checked, because its data are absent" in stderr and "nowhere" in stderr
    absent.write_text(absent.read_text().replace("steps: 2", "steps: two"))
    code, stdout, stderr = check(str(absent), "--power")
    assert (code, stdout) == (2, "") and "2 mistakes" in stderr


def test_json_without_power_says_what_would_run(suite: Path) -> None:
    body = json.loads(check(str(suite), "--json")[1])
    assert (body["file"], body["runs"], body["parts"]) == (str(suite), 20, None)


def test_run_says_how_many_claims_can_be_answered(suite: Path) -> None:
    done = within(suite.parent, "run", suite, "-n", "--results", suite.parent)
    assert "study: 3 of 3 claims can be answered after 10 seeds; `ganbench check --power" in done.stderr
