"""A value of `train` or `evaluate`: one for all datasets, or one for each, with `default` for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ganbench.datasets.base import Dataset
from ganbench.plugins import hint
from ganbench.suite.nodes import Mistakes, Node

T = TypeVar("T")
DEFAULT = "default"


def read(node: Node, datasets: Iterable[str], one: Callable[[Node], T], mistakes: Mistakes) -> dict[str, T]:
    """The values by dataset; `datasets` are the kinds and notations that may be named. A mapping of which no key is a
    dataset is one value, such as a component."""
    known = tuple(dict.fromkeys((DEFAULT, *datasets)))
    if not isinstance(node.value, dict) or "kind" in node.value or not set(known) & set(node.value):
        entries = {DEFAULT: node}
    else:
        entries = node.value
    for name, entry in entries.items():
        if name not in known:
            mistakes.at(entry.key or entry, f"there is no dataset {name!r} here", hint(name, known))
    return {name: one(entry) for name, entry in entries.items() if name in known}


def of(values: Mapping[str, T], dataset: Dataset) -> T | None:
    """The value for a dataset: by its notation, its kind, or the default; None where there is none."""
    names = (dataset.notation(), dataset.kind(), DEFAULT)
    return next((values[name] for name in names if name in values), None)
