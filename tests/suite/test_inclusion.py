"""`include:` gives the suite that its files make when written out, and a mistake names the file that holds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import ganbench as gb
from ganbench.errors import SuiteError
from ganbench.suite import Changes, Suite, load
from ganbench.suite.json_schema import schema
from tests.support.tiny import FILES, write_components

COMMON = """\
name: common
about: Which one learns?
plugins: [PLUGINS]
grid: {variant: [tiny_gan, ns], dataset: tiny_points, optimizer: tiny_sgd, seed: [1, 2]}
train: {steps: 10, batch: 4}
evaluate: {every: 5, samples: 100, with: [tiny_score]}
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def common(tmp_path: Path) -> Path:
    """A suite whose plug-ins lie beside it; another folder includes it."""
    (tmp_path / "shared").mkdir()
    write_components(tmp_path / "shared")
    return write(tmp_path, "shared/common.yaml", COMMON.replace("PLUGINS", ", ".join(FILES)))


def including(folder: Path, text: str, include: str = "../shared/common.yaml") -> Path:
    return write(folder, "suites/mine.yaml", f"include: {include}\n{text}")


def mistakes(path: Path, folder: Path) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        load(path)
    return [str(found).replace(f"{folder}/", "") for found in caught.value.mistakes]


def ids(suite: Suite) -> list[str]:
    return [spec.run_id() for spec in suite.specs]


def test_the_suite_is_that_of_the_files_written_out(common: Path, tmp_path: Path) -> None:
    text = """\
name: mine
grid: {variant: [ns], seed: [7]}
train: {steps: {tiny_points: 20}}
evaluate: {samples: 50}
"""
    found = load(including(tmp_path, text))
    whole = """\
name: mine
about: Which one learns?
plugins: [PLUGINS]
grid: {variant: [ns], dataset: tiny_points, optimizer: tiny_sgd, seed: [7]}
train: {steps: {tiny_points: 20}, batch: 4}
evaluate: {every: 5, samples: 50, with: [tiny_score]}
"""
    written_out = load(write(tmp_path, "shared/mine.yaml", whole.replace("PLUGINS", ", ".join(FILES))))
    assert ids(found) == ids(written_out) and len(ids(found)) == 1
    assert found.specs == written_out.specs and found.evaluation == written_out.evaluation
    assert (found.name, found.about, found.plugins) == (written_out.name, written_out.about, written_out.plugins)


def test_only_the_name_may_differ(common: Path, tmp_path: Path) -> None:
    assert ids(load(including(tmp_path, "name: again\n"))) == ids(load(common))


def test_a_list_replaces_the_grid(common: Path, tmp_path: Path) -> None:
    found = load(including(tmp_path, "grid: [{variant: ns, dataset: ring8, seed: 3}]\n"))
    assert [(spec.dataset.kind(), spec.seed) for spec in found.specs] == [("ring8", seed) for seed in range(3)]


def test_an_entry_of_a_list_is_taken_whole(tmp_path: Path) -> None:
    write(tmp_path, "rules.yaml", "train: {steps: 3}\nexclude: {where: {seed: 0}, because: it was looked at}\n")
    own = "name: mine\ngrid: {variant: ns, dataset: ring8, seed: 2}\nexclude: {where: {seed: 1}}\n"
    (found,) = mistakes(including(tmp_path, own, "../rules.yaml"), tmp_path)
    assert found.startswith("suites/mine.yaml:4:10  exclude needs `because`"), found


def test_files_include_files(common: Path, tmp_path: Path) -> None:
    write(tmp_path, "shared/middle.yaml", "include: common.yaml\ntrain: {batch: 8}\nabout: other\n")
    found = load(including(tmp_path, "train: {steps: 30}\n", "../shared/middle.yaml"))
    assert {(spec.steps, spec.batch) for spec in found.specs} == {(30, 8)}
    assert (found.name, found.about) == ("common", "other")


def test_a_fragment_needs_neither_name_nor_grid(tmp_path: Path) -> None:
    write(tmp_path, "lengths.yaml", "train: {steps: 3}\n")
    found = load(including(tmp_path, "name: mine\ngrid: {variant: ns, dataset: ring8}\n", "../lengths.yaml"))
    assert [spec.steps for spec in found.specs] == [3]


def test_changes_apply_to_the_merged_suite(common: Path, tmp_path: Path) -> None:
    path = including(tmp_path, "name: mine\ntrain: {steps: {tiny_points: 20}}\n")
    found = load(path, Changes(set=("train.steps.tiny_points=5", "train.batch=2", "grid.variant=ns"), seeds=1))
    assert [(spec.steps, spec.batch, spec.seed) for spec in found.specs] == [(5, 2, 0)]
    assert found.note == "--seeds 1: seeds 0; the file has 1, 2"


def test_a_flag_includes_no_file(common: Path) -> None:
    with pytest.raises(SuiteError, match=r"--set include=x\.yaml  a change can't include a file"):
        load(common, Changes(set=("include=x.yaml",)))


def test_a_suite_in_python_includes_a_file(common: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = gb.Suite("mine", include="shared/common.yaml", grid={"seed": [2]})
    assert ids(found) == [run_id for run_id in ids(load(common)) if "-s2-" in run_id]
    assert found.plugins == load(common).plugins


class TestMistakes:
    def test_each_names_its_file(self, common: Path, tmp_path: Path) -> None:
        common.write_text(common.read_text().replace("batch: 4", "btach: 4").replace("[tiny_score]", "tiny_scroe"))
        found = mistakes(including(tmp_path, "name: mine\nselect: frist\n"), tmp_path)
        assert [text.partition("  ")[0] for text in found] == [
            "suites/../shared/common.yaml:5:20",
            "suites/../shared/common.yaml:6:42",
            "suites/mine.yaml:3:9",
        ]
        assert "train: {steps: 10, btach: 4}\n" in found[0] and "did you mean 'batch'?" in found[0]

    @pytest.mark.parametrize(
        ("include", "says"),
        [
            ("absent.yaml", "suites/mine.yaml:1:10  suites/absent.yaml: can't be read: No such file or directory."),
            ("mine.yaml", "suites/mine.yaml:1:10  mine.yaml includes itself."),
            ("[a.yaml, b.yaml]", "suites/mine.yaml:1:10  include = [a.yaml, b.yaml] must be the path of one file."),
            ("3", "suites/mine.yaml:1:10  include = 3 must be the path of one file. include: common.yaml"),
            ("", "suites/mine.yaml:1:1  include = nothing must be the path of one file."),
            ("../suites", "suites/mine.yaml:1:10  ../suites is no file."),
            ("/dev/zero", "suites/mine.yaml:1:10  /dev/zero is no file."),
            ("../empty.yaml", "suites/mine.yaml:1:10  suites/../empty.yaml: it is empty."),
            ("../list.yaml", "suites/../list.yaml:1:1  an included file must be a mapping with keys of a suite"),
            ("../broken.yaml", "suites/../broken.yaml:1:"),
            ("../loop.yaml", "suites/mine.yaml:1:10  "),
            ("x" * 300, "suites/mine.yaml:1:10  "),
        ],
    )
    def test_a_file_that_cannot_be_included(self, include: str, says: str, tmp_path: Path) -> None:
        write(tmp_path, "empty.yaml", "")
        write(tmp_path, "list.yaml", "[1, 2]\n")
        write(tmp_path, "broken.yaml", "train: {steps: 3\n")
        (tmp_path / "loop.yaml").symlink_to("loop.yaml")
        (found,) = mistakes(including(tmp_path, "name: mine\n", include), tmp_path)
        assert found.startswith(says), found

    def test_a_circle_of_files(self, tmp_path: Path) -> None:
        write(tmp_path, "b.yaml", "name: b\ninclude: suites/mine.yaml\n")
        (found,) = mistakes(including(tmp_path, "name: mine\n", "../b.yaml"), tmp_path)
        assert found.startswith("suites/../b.yaml:2:10  suites/mine.yaml includes itself. a suite includes a file")

    def test_what_is_missing_is_missed_in_the_suite(self, tmp_path: Path) -> None:
        write(tmp_path, "lengths.yaml", "train: {steps: 3}\n")
        (found,) = mistakes(including(tmp_path, "name: mine\n", "../lengths.yaml"), tmp_path)
        assert found.startswith("suites/mine.yaml:1:1  a suite needs `grid`")

    def test_a_plugin_of_the_included_file(self, common: Path, tmp_path: Path) -> None:
        (common.parent / FILES[0]).unlink()
        found = mistakes(including(tmp_path, "name: mine\n"), tmp_path)
        assert any(text.startswith("suites/../shared/common.yaml:3:11  ") for text in found), found


def test_the_schema_lets_an_included_file_have_what_a_suite_needs() -> None:
    validator = Draft202012Validator(schema())
    assert validator.is_valid({"include": "common.yaml"})
    assert validator.is_valid({"include": "common.yaml", "name": "x", "grid": {"seed": 3}})
    assert not validator.is_valid({"include": 3}) and not validator.is_valid({"name": "x"})
    assert not validator.is_valid({"name": "x", "grid": {"seed": 3}})
    assert not validator.is_valid({"name": "x", "grid": [{"variant": "ns", "dataset": "ring8"}, {"seed": 3}]})
