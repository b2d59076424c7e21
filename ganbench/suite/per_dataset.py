"""Values that may be given per dataset: one for all, or one for each with `default` for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ganbench.datasets.base import Dataset
from ganbench.plugins import hint
from ganbench.suite.nodes import Mistakes, Node

T = TypeVar("T")
DEFAULT = "default"


def read(node: Node, datasets: Iterable[str], read_value: Callable[[Node], T], mistakes: Mistakes) -> dict[str, T]:
    """The values by dataset; `datasets` are the kinds and notations that may be named.

    A mapping that names no dataset, such as a component, is one value for all datasets.
    """
    known = tuple(dict.fromkeys((DEFAULT, *datasets)))
    if not isinstance(node.value, dict) or "kind" in node.value or not set(known) & set(node.value):
        entries = {DEFAULT: node}
    else:
        entries = node.value
    for name, entry in entries.items():
        if name not in known:
            mistakes.at(entry.key or entry, f"there is no dataset {name!r} here", hint(name, known))
    return {name: read_value(entry) for name, entry in entries.items() if name in known}


def of(values: Mapping[str, T], dataset: Dataset) -> T | None:
    """The value for a dataset, given by its notation, its kind or `default`; None without a value."""
    names = (dataset.notation(), dataset.kind(), DEFAULT)
    return next((values[name] for name in names if name in values), None)
