"""Aliases are read, and a text that a few of them make huge or deep is refused in its place, soon."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.errors import SuiteError
from ganbench.suite import Changes, load
from tests.support.tiny import write_suite


def chain(first: str, links: int, times: int) -> str:
    """Anchors of which each repeats the one before it some times."""
    lines = [f"x0: &a0 {first}"]
    lines += [f"x{i}: &a{i} [{', '.join([f'*a{i - 1}'] * times)}]" for i in range(1, links)]
    return "\n".join(lines) + "\n"


def mistake(folder: Path, text: str) -> str:
    with pytest.raises(SuiteError) as caught:
        load(write_suite(folder, text))
    (found,) = caught.value.mistakes
    return str(found).replace(f"{folder}/", "")


@pytest.mark.parametrize("links", [8, 30])
def test_a_bomb_is_named_at_the_first_anchor_that_is_too_much(tmp_path: Path, links: int) -> None:
    found = mistake(tmp_path, "name: x\n" + chain("[1, 2, 3, 4, 5, 6, 7, 8, 9]", links, 9))
    assert found.startswith("suite.yaml:6:5  its aliases stand for more than 10000 values. an alias repeats all")
    assert found.splitlines()[1].strip().startswith("x4: &a4 [*a3")


def test_a_bomb_of_mappings_and_of_a_long_text(tmp_path: Path) -> None:
    mappings = "x0: &a0 {a: 1, b: 2}\n" + "".join(
        f"x{i}: &a{i} {{{', '.join(f'k{j}: *a{i - 1}' for j in range(9))}}}\n" for i in range(1, 9)
    )
    assert "its aliases stand for" in mistake(tmp_path, mappings)
    text = f"x0: &a0 {'y' * 100_000}\nx1: [{', '.join(['*a0'] * 50)}]"
    assert mistake(tmp_path, text).startswith("suite.yaml:2:5  its aliases stand for")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name: x\n" + chain("[1]", 2000, 1), "101:6"),
        ("grid: " + "[" * 3000 + "]" * 3000, "1:106"),
        ("grid: " + "{a: " * 150 + "1" + "}" * 150, "1:207"),
    ],
    ids=["aliases", "lists", "mappings"],
)
def test_what_is_nested_too_deep_has_its_place(tmp_path: Path, text: str, place: str) -> None:
    expected = f"suite.yaml:{place}  it is nested too deep. at most 100 levels"
    assert mistake(tmp_path, text).startswith(expected)


def test_a_bomb_in_a_flag_names_the_flag(tmp_path: Path) -> None:
    path = write_suite(tmp_path, "name: x\ngrid: {variant: ns, dataset: ring8}\ntrain: {steps: 1}")
    with pytest.raises(SuiteError, match=r"--set about=\[+.* it is nested too deep"):
        load(path, Changes(set=("about=" + "[" * 200 + "]" * 200,)))


def test_aliases_in_use_are_read(tmp_path: Path) -> None:
    text = """
name: x
grid:
  - {variant: tiny_gan, dataset: tiny_points, optimizer: &o tiny_sgd, seed: &s [1, 2], steps: 1}
  - {variant: ns, dataset: tiny_points, optimizer: *o, seed: *s, steps: 1}
"""
    assert [spec.seed for spec in load(write_suite(tmp_path, text)).specs] == [1, 2, 1, 2]


def test_a_long_text_and_a_long_list_without_aliases_are_read(tmp_path: Path) -> None:
    grid = "grid: {variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd, steps: 1, seed: SEEDS}"
    seeds = str(list(range(2000)))
    found = load(write_suite(tmp_path, f"name: x\nabout: {'y' * 1_000_000}\n{grid.replace('SEEDS', seeds)}"))
    assert len(found.specs) == 2000 and len(found.about) == 1_000_000


class TestMergeKeys:
    """`<<: *anchor` adds the entries of another mapping."""

    def test_a_block_of_the_grid_overrides_what_it_merges(self, tmp_path: Path) -> None:
        text = """
name: x
grid:
  - &base {variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd, seed: [1, 2], steps: 1}
  - {<<: *base, seed: [7]}
  - {seed: [8], <<: *base}
"""
        assert [spec.seed for spec in load(write_suite(tmp_path, text)).specs] == [1, 2, 7, 8]

    def test_of_several_the_earlier_override(self, tmp_path: Path) -> None:
        text = """
name: x
grid:
  - &base {variant: tiny_gan, dataset: tiny_points, optimizer: &o {kind: tiny_sgd, lr: 1}, steps: 1, seed: [1]}
  - {<<: [{seed: [2], optimizer: {<<: *o, momentum: 0.5}}, {seed: [3], steps: 4}, *base]}
"""
        specs = load(write_suite(tmp_path, text)).specs
        assert [(spec.seed, spec.steps) for spec in specs] == [(1, 1), (2, 4)]
        assert specs[1].optimizer.notation() == "tiny_sgd[lr=1,momentum=0.5]"

    def test_run_ids_are_those_of_the_grid_written_out(self, tmp_path: Path) -> None:
        head = "name: x\ngrid:\n  - {variant: tiny_gan, dataset: tiny_points, steps: 1, optimizer: tiny_sgd}\n"
        merged = head.replace("- {", "- &a {") + "  - {<<: *a, seed: 4}"
        whole = head + "  - {variant: tiny_gan, dataset: tiny_points, steps: 1, optimizer: tiny_sgd, seed: 4}"
        first, second = (load(write_suite(tmp_path, text)).specs for text in (merged, whole))
        assert [spec.run_id() for spec in first] == [spec.run_id() for spec in second]

    def test_a_mistake_in_what_is_merged_has_its_own_place(self, tmp_path: Path) -> None:
        text = """
name: x
grid:
  - &a {variant: tiny_gan, dataset: tiny_points, steps: 1, optimizer: {kind: tiny_sgd, momentun: 0.5}}
  - {<<: *a, seed: 1}
"""
        assert mistake(tmp_path, text.lstrip()).startswith("suite.yaml:3:88  ")

    @pytest.mark.parametrize(
        ("entry", "says"),
        [
            ("{<<: *a, <<: *a}", "suite.yaml:3:16  the key '<<' is given twice. to merge several mappings, write <<:"),
            ("{<<: *a, lr: 1, lr: 2}", "suite.yaml:3:23  the key 'lr' is given twice"),
            ("{<<: [*a, 3]}", "suite.yaml:3:17  <<: 3 can't be merged. a mapping or a list of mappings"),
            ("{<<: word}", "suite.yaml:3:12  <<: word can't be merged"),
            ("{<<: }", "suite.yaml:3:8  <<: nothing can't be merged"),
            ("{<<: *a, '<<': *a}", "suite.yaml:3:16  the key '<<' is given twice"),
        ],
    )
    def test_what_cannot_be_merged_is_named(self, tmp_path: Path, entry: str, says: str) -> None:
        path = write_suite(tmp_path, f"name: x\nabout: &a {{kind: tiny_sgd}}\ngrid: {entry}")
        with pytest.raises(SuiteError) as caught:
            load(path)
        assert any(str(found).startswith(f"{tmp_path}/{says}") for found in caught.value.mistakes), caught.value

    def test_a_quoted_key_is_a_word(self, tmp_path: Path) -> None:
        grid = "{variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd, steps: 1, '<<': {seed: 3}}"
        assert "'<<'" in mistake(tmp_path, f"name: x\ngrid: {grid}")

    def test_a_merge_inside_its_own_anchor(self, tmp_path: Path) -> None:
        path = write_suite(tmp_path, "name: x\ngrid: &a {<<: *a, variant: tiny_gan}")
        with pytest.raises(SuiteError, match=r"suite\.yaml:2:7  an alias is inside its own anchor") as caught:
            load(path)
        assert len(caught.value.mistakes) < 5

    def test_a_bomb_of_merges_is_limited(self, tmp_path: Path) -> None:
        keys = ", ".join(f"k{i}: {i}" for i in range(9))
        lines = [f"x0: &a0 {{{keys}}}"]
        lines += [f"x{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 30)]
        assert "its aliases stand for more than 10000 values" in mistake(tmp_path, "name: x\n" + "\n".join(lines))


def test_an_alias_is_the_last_anchor_before_it(tmp_path: Path) -> None:
    grid = "variant: tiny_gan, dataset: tiny_points, optimizer: tiny_sgd, steps: 1"
    blocks = (f"  - {{{grid}, {rest}}}" for rest in ("seed: &s [1]", "batch: 2, seed: &s [5]", "seed: *s"))
    text = "\n".join(("name: x", "grid:", *blocks))
    assert [spec.seed for spec in load(write_suite(tmp_path, text)).specs] == [1, 5, 5]
