"""The form of every component, and that the checks see what they look for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from ganbench import testing
from ganbench.component import Component
from ganbench.plugins import FAMILIES, Registry
from ganbench.spec import plain

REGISTRY = Registry()
ALL = [(family, kind) for family in FAMILIES for kind in REGISTRY.names(family)]
everyone = pytest.mark.parametrize(("family", "kind"), ALL, ids=lambda word: word)


@pytest.fixture
def example(family: str, kind: str, required: dict[str, dict[str, Any]]) -> Component:
    return REGISTRY.find(family, kind)(**required.get(kind, {}))


def test_every_family_has_components() -> None:
    assert {family for family, _ in ALL} == set(FAMILIES)
    assert len(ALL) >= 25


@everyone
def test_form(example: Component) -> None:
    testing.check_component(example, REGISTRY)


@everyone
def test_a_suite_takes_its_defaults_and_other_values(example: Component) -> None:
    """The defaults, and every other value that the checks try, keep the bounds that a suite enforces."""
    adapter = TypeAdapter(type(example))
    for value in (example, *testing.variations(example)):
        assert adapter.validate_json(json.dumps(vars(value))) == value


@everyone
def test_an_unknown_option_is_refused(example: Component) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        TypeAdapter(type(example)).validate_json(json.dumps(vars(example) | {"nonsense": 1}))


@everyone
def test_notation_shows_the_kind_alone_for_defaults_and_each_change(example: Component) -> None:
    name, _, changes = example.notation().partition("[")
    assert name == example.kind()
    for value in testing.variations(example):
        changed = {f for f, v in vars(value).items() if v != getattr(example, f)}
        shown = {part.partition("=")[0] for part in value.notation().rpartition("[")[2].rstrip("]").split(",")}
        assert changed <= shown <= changed | {part.partition("=")[0] for part in changes.rstrip("]").split(",")}


def test_close_numbers_have_names_of_their_own() -> None:
    adam = REGISTRY.find("optimizer", "adam")
    assert adam(lr=1.0000001e-4).notation() != adam(lr=1e-4).notation() == "adam[lr=0.0001]"
    assert adam(lr=1.0).notation() == "adam[lr=1]"


# --- the checks can fail ---

GOOD = '''
"""A user's optimizer."""
from dataclasses import dataclass
from typing import ClassVar
import torch
from ganbench.component import Positive
from ganbench.optimizers.base import Optimizer

@dataclass(frozen=True, kw_only=True)
class Mine(Optimizer):
    """Plain descent."""
    version: ClassVar[int] = 1
    source: ClassVar[str] = "a test"
    size: Positive = 1.0
    def build(self, params, player):
        return torch.optim.SGD(params, lr=self.lr_of(player) * self.size)
'''

BROKEN = {
    "is not a dataclass(frozen=True": GOOD.replace(", kw_only=True", ""),
    "has no docstring": GOOD.replace('"""Plain descent."""', ""),
    "extra has no docstring": GOOD + "    def extra(self):\n        return 1\n",
    "version is not an integer": GOOD.replace("int] = 1", 'int] = "1"'),
    "source names no paper": GOOD.replace('"a test"', '""'),
    "has no default, and the docstring": GOOD.replace("size: Positive = 1.0", "size: Positive"),
    "share a notation": GOOD + '    def notation(self, hide=()):\n        """Always one."""\n        return "mine"\n',
    "doesn't equal a copy of itself": GOOD + "    def __hash__(self):\n        return id(self)\n",
}


def mine(folder: Path, text: str) -> tuple[Registry, Any]:
    (folder / "mine.py").write_text(text)
    registry = Registry.of([folder / "mine.py"])
    return registry, registry.find("optimizer", "mine")


def test_a_users_own_component_passes(tmp_path: Path) -> None:
    registry, kind = mine(tmp_path, GOOD)
    testing.check_component(kind(), registry)
    testing.check_optimizer(kind(lr=0.01))
    assert plain(kind())["digest"] == kind.digest != ""


@pytest.mark.parametrize("complaint", BROKEN)
def test_a_broken_component_is_told_what_is_wrong(complaint: str, tmp_path: Path) -> None:
    registry, kind = mine(tmp_path, BROKEN[complaint])
    options = {"size": 2.0} if "size: Positive\n" in BROKEN[complaint] else {}
    with pytest.raises(AssertionError, match=complaint.replace("(", r"\(")):
        testing.check_component(kind(**options), registry)


def test_variations_change_one_option_each() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Odd(Component):
        number: complex = 1j

    with pytest.raises(AssertionError, match="no other value is known for number"):
        testing.variations(Odd())
