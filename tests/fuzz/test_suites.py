"""Mutated suites: each is refused with a place and a reason, or accepted by `check` and expanded by `run`."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.hostile import called, damaged
from tests.support.pages import ROOT

pytestmark = pytest.mark.fuzz

LARGE = {"ebgan-grid", "stability-full"}  # thousands of runs, in which mutations find nothing further
ON_FILES = {"characters", "lsgan-characters"}  # refused where the files of their data are absent
BASES = [path for path in sorted(ROOT.glob("suites/**/*.yaml")) if path.stem not in LARGE | ON_FILES]
CANARY = "canary"
WORDS = [
    *(b"0", b"-1", b"1e999", b".inf", b".nan", b"null", b"~", b"[]", b"{}", b"true", b"no", b"9" * 40, b"1_0", b"0x1f"),
    *(b"&a ", b"*a", b"<<: *a", b"<<: {kind: ns}", b"<<: [3]", b"? ", b"- ", b": ", b", ", b"[", b"]", b"{", b"}"),
    *(b"|\n", b">-\n", b"---\n", b"...\n", b"%YAML 1.1\n", b"%TAG ! x\n", b"\t", b"\n", b"\r", b"#", b"'", b'"'),
    *(b"!!set ", b"!!binary ", b"!!timestamp ", b"!x ", b"!!int x", b"!!null 3", b"!!merge x", b"2020-01-01"),
    *(b"!!python/name:os.system ", b"!!python/object/apply:os.system [touch canary]", b"!!python/module:os "),
    *(b"\0", b"\x7f", b"\xff", b"\xed\xa0\x80", "\u2028".encode(), b'"\\ud800"', b'"\\0"', "数".encode(), b"\x1b[2J"),
    *(b"../../etc/passwd", b"kind: lsgan", b"name: x", b"grid: 3", b"seed: 1000000", b"steps: 10000000000"),
    *(b"default: 1", b"plugins: [none.py]", b"plugins: /", b"where: {}", b"metric: fid", b"[[[[[[1]]]]]]"),
]
VALUES: list[Any] = [
    *(0, -1, 10**30, 2.5, -0.0, 1e308, True, None, "", " ", "ns", "none", "x" * 3000, "\n", "a/b", "{", "*"),
    *([], {}, [[]], [{}], [None], [1, [2, [3]]], {"kind": "ns"}, {"kind": None}, {"": 1}, {"default": 1}, [1] * 300),
    *({"kind": "lsgan", "a": [1, 2, 3]}, {"ring8": 1, "default": 2}, {"metric": "modes", "at_least": 1}),
]


@pytest.mark.parametrize("seed", range(1000))
def test_a_mutated_suite(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    content = chance.choice(BASES).read_bytes()
    content = damaged(content, chance, WORDS) if seed % 2 else mutated(content, chance)
    Path("suite.yaml").write_bytes(content)
    checked = called(["check", "suite.yaml"], capsys, tmp_path)
    assert not Path(CANARY).exists()
    if checked.code:
        assert checked.code == 2 and not checked.out
        check_message(checked.err)
    else:
        assert re.search(r"^suite\.yaml: [1-9]\d* runs, \d+ excluded", checked.out)
        planned = called(["run", "suite.yaml", "--dry-run", "--tracking-uri", "none"], capsys, tmp_path)
        assert planned.code == 0, planned.err


def check_message(text: str) -> None:
    """Each mistake has its place; a file that is no YAML at all has its name."""
    first = text.splitlines()[0]
    assert re.match(r"suite\.yaml(:\d+:\d+  |: )\S", first), text
    assert len(max(text.splitlines(), key=len)) < 10_000, "a message is for people"


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A suite whose tree has one to three changes, as JSON, which is YAML."""
    tree = YAML(typ="safe", pure=True).load(content)
    for _ in range(chance.choice((1, 1, 2, 3))):
        tree = change(tree, chance)
    return json.dumps(tree, indent=chance.choice((None, 1)), default=str).encode()


def change(tree: Any, chance: random.Random) -> Any:
    """One change at a random place of a tree."""
    places = list(paths(tree))
    where, other = chance.choice(places), chance.choice(places)
    if not where:
        return chance.choice([tree, [tree], {"suite": tree}, {**tree, "x": 1} if isinstance(tree, dict) else tree])
    owner, key = at(tree, where[:-1]), where[-1]
    match chance.randrange(8):
        case 0:
            owner[key] = chance.choice(VALUES)
        case 1:
            owner[key] = json.loads(json.dumps(at(tree, other), default=str))
        case 2:
            owner[key] = [owner[key]]
        case 3:
            owner[key] = [owner[key], chance.choice(VALUES)]
        case 4 if isinstance(owner, dict):
            owner[chance.choice(["kind", "where", "default", "metric", "x", "", "seed"])] = owner.pop(key)
        case 5 | 6 if isinstance(owner[key], (int, float)):
            owner[key] = chance.choice((owner[key] * 2, owner[key] / 3, -owner[key], owner[key] + 1, owner[key] * 1e6))
        case _:
            del owner[key]
    return tree


def paths(tree: Any, path: tuple[Any, ...] = ()) -> Any:
    """The path of every node of a tree."""
    yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree
