"""Suites that are written in Python and not in a file: the same sections, the same checks.

A mistake is named by its key: `grid.variant[1].gp_weight`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.suite.changes import Changes
from ganbench.suite.load import Suite, expand
from ganbench.suite.nodes import DEEPEST, TOO_DEEP, UNUSABLE, UNUSABLE_TEXT, Mistakes, Node, TextSource

SCALARS = "text, a number, true or false, None, a list, or a mapping whose keys are text"


def declare(sections: Mapping[str, Any], data_root: Path | None = None) -> Suite:
    """The suite with these sections: the keys of a suite file, with Python's values in place of YAML's.

    A list may be any list, tuple or range. Relative paths start at the current folder. Raises `SuiteError` with all
    mistakes, each named by its key.
    """
    mistakes = Mistakes()
    return expand(nodes_of(sections, "Suite", mistakes), _place(sections), Changes(), data_root, mistakes)


def changed(suite: Suite, changes: Changes, data_root: Path | None = None) -> Suite:
    """The suite as it was written, with other changes. Raises as `load` does."""
    written = suite.whole.written
    assert written is not None, "every suite is expanded from nodes"
    return expand(written, suite.path, changes, data_root, Mistakes())


def nodes_of(value: Any, key: str, mistakes: Mistakes, depth: int = 0) -> Node:
    """A value as nodes, of which each has the keys that lead to it as its place."""
    source = TextSource(key)
    here = Node(None, source, 1, 1, "nothing")
    match value:
        case str() if not UNUSABLE.search(value):
            return replace(here, value=str(value), written=str(value))
        case None | bool() | int() | float():
            return replace(here, value=value, written=json.dumps(value))
        case Path():
            return replace(here, value=str(value), written=str(value))
        case list() | tuple() | range() | Mapping() if depth == DEEPEST:
            mistakes.at(here, *TOO_DEEP)
        case list() | tuple() | range():
            items = [nodes_of(item, f"{key}[{place}]", mistakes, depth + 1) for place, item in enumerate(value)]
            return replace(here, value=items)
        case Mapping() if all(isinstance(name, str) for name in value):
            below = {name: nodes_of(item, _below(key, name), mistakes, depth + 1) for name, item in value.items()}
            return replace(here, value={name: replace(node, key=_name(name, node)) for name, node in below.items()})
        case str():
            mistakes.at(here, UNUSABLE_TEXT)
        case _:
            mistakes.at(here, f"a {type(value).__name__} has no meaning in a suite", SCALARS)
    return here


def _below(key: str, name: str) -> str:
    return name if key == "Suite" else f"{key}.{name}"


def _name(name: str, node: Node) -> Node:
    """A key of a mapping, whose place is that of its value."""
    return Node(name, node.source, 1, 1, name)


def _place(sections: Mapping[str, Any]) -> Path:
    """Where the suite's file would lie; nothing is read or written there."""
    return Path.cwd() / f"{sections.get('name', 'suite')}.yaml"
