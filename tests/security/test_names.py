"""A name becomes a path in its folder or is refused: run ids of a stranger's manifest, tune records, suite names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ganbench.errors import RequestError, SuiteError
from ganbench.results.manifest import read_manifest
from ganbench.results.names import path_in, why_no_name
from ganbench.results.store import Store
from ganbench.suite import load
from tests.e2e.conftest import within
from tests.support.synthetic import Run, write_suite

OUTSIDE = ["../../victim", "/etc/victim", "..", ".", "", "a/b", "a\\b", "C:victim", "a\0b", "a\nb", "\x1b[2Ja", "a..b",
           ".hidden", "-rf", "a ", "a.", "x" * 221, "NUL", "com1.txt", "\N{RIGHT-TO-LEFT OVERRIDE}a"]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    assert why_no_name(name)
    for make in (lambda: path_in(tmp_path, name), lambda: Store(tmp_path).run(name),
                 lambda: Store(tmp_path).manifest_path(name)):  # fmt: skip
        with pytest.raises(RequestError):
            make()


@pytest.mark.parametrize("name", ["lsgan-digits-bn0-adam-s5-0123456789", "a", "x" * 220, "v1.2_final", "console", "0"])
def test_a_plain_name_stays_in_its_folder(name: str, tmp_path: Path) -> None:
    assert path_in(tmp_path, name, ".json") == tmp_path / f"{name}.json"


@pytest.mark.parametrize("evil", ["../../victim", "/tmp/victim", "a\0b", "C:\\victim"])
def test_a_run_id_in_a_manifest_leads_nowhere(evil: str, tmp_path: Path) -> None:
    store = write_suite(tmp_path / "results", [Run(curves={"fd_pixels": [3.0]})])
    path = store.manifest_path("study")
    good = store.runs()[0].run_id
    path.write_text(path.read_text().replace(json.dumps(good), json.dumps(evil)))
    victim = tmp_path / "victim"
    victim.mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RequestError, match=r"damaged: .*can't be a run id"):
        read_manifest(store, "study")
    for words in (("report", "study"), ("watch", "study", "--once"), ("sync", "study", "--tracking-uri", "http://x")):
        done = within(tmp_path, *words)
        assert done.returncode == 2 and "can't be a run id" in done.stderr and "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_manifest_under_an_unusual_name_is_no_suite(tmp_path: Path) -> None:
    store = write_suite(tmp_path, [Run()])
    (tmp_path / "suites" / "\x1b[31mred.json").write_text("{}")
    assert store.suites() == ["study"]


@pytest.mark.parametrize("suite", ["../x", "/etc/passwd", "a\0b"])
def test_a_name_of_a_suite_on_the_command_line_is_only_looked_up(suite: str, tmp_path: Path) -> None:
    write_suite(tmp_path / "results", [Run()])
    (tmp_path / "results" / "x.json").write_text("{}")
    assert within(tmp_path, "report", suite.replace("\0", "%")).returncode == 2


GRID = "grid: {variant: ns, dataset: ring8, optimizer: adam}\ntrain: {steps: 1, batch: 4}\n"


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ('"x\\n"', "letters, digits"),
        ('"x\\e[31m"', "letters, digits"),
        ('"a\\u202eb"', "letters, digits"),
        ("..", "letters, digits"),
        ("a..b", "no '..'"),
        ("a.", "no '.' at the end"),
        ("../up", "letters, digits"),
        ("x" * 101, "at most 100 bytes of UTF-8"),
        ("x" * 400, "at most 100 bytes of UTF-8"),
        ("nul", "reserves"),
        ("COM7.v2", "reserves"),
        ("[a]", "letters, digits"),
        ('""', "letters, digits"),
    ],
)
def test_a_suite_has_a_name_that_every_system_takes(written: str, rule: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(f"name: {written}\n{GRID}")
    with pytest.raises(SuiteError) as error:
        load(tmp_path / "s.yaml")
    assert "s.yaml:1:7" in str(error.value) and "can't name a suite" in str(error.value) and rule in str(error.value)
    assert len(str(error.value)) < 700


def test_the_longest_name_of_a_suite_can_be_tuned_and_locked(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(f"name: {'x' * 100}\n{GRID}")
    name = load(tmp_path / "s.yaml").name
    assert not why_no_name(f"{name}-{'m' * 80}-random") and not why_no_name(f"{name}-tuned")
