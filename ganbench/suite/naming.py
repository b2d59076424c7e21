"""From words in a suite to the values in the runs' columns: a notation first, then a kind, a number or fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ganbench.plugins import hint
from ganbench.results.questions import Named, Where
from ganbench.spec import GRID_AXES, RunSpec
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.rules import is_named, labels


class Names:
    """The values of some runs. A word that names none of them is noted in `mistakes`, unless that is None."""

    def __init__(self, specs: Iterable[RunSpec], mistakes: Mistakes | None) -> None:
        self._mistakes = mistakes
        self._rows: list[dict[str, Any]] = []
        self._specs: dict[str, dict[Named, RunSpec]] = {axis: {} for axis in GRID_AXES}  # a run with each value
        for spec in specs:
            columns = spec.columns()
            self._rows.append(columns)
            for axis in GRID_AXES:
                self._specs[axis].setdefault(columns[axis], spec)

    def wrong(self, node: Node, message: str, *hints: str) -> None:
        """Note a mistake, if mistakes are collected."""
        if self._mistakes:
            self._mistakes.at(node, message, *hints)

    def where(self, node: Node | None, outer: Where | None = None) -> Where:
        """The values that `where` means, within an outer `where`; an axis can have several."""
        entries = node.value if node and isinstance(node.value, dict) else {}
        where = dict(outer or {})
        for axis, entry in entries.items():
            known = tuple(self._specs[axis])
            values = [value for item in entry.items for value in self._named(axis, item, known)]
            where[axis] = tuple(dict.fromkeys(values))
        if entries and all(where.values()) and not self._kept(where):
            self.wrong(node or entry, "no run of this suite has all of these values")
        return where

    def value(self, axis: str, node: Node, where: Where) -> Named:
        """The single value of an axis that a word means among the runs of `where`."""
        known = tuple(dict.fromkeys(row[axis] for row in self._kept(where)))
        values = self._named(axis, node, known) if known else [node.text]
        if len(values) > 1:
            given = f"{node.text} names {len(values)} values of {axis}: {', '.join(map(str, values))}"
            self.wrong(node, given, "name one of them, or narrow `where`")
        return values[0] if values else node.text

    def _kept(self, where: Where) -> list[dict[str, Any]]:
        return [row for row in self._rows if all(row[axis] in values for axis, values in where.items())]

    def _named(self, axis: str, node: Node, known: tuple[Named, ...]) -> list[Named]:
        exact = [value for value in known if str(value) == str(node.plain)]
        values = exact or [value for value in known if is_named(node.plain, axis, self._specs[axis][value])]
        if not values:
            words = [word for value in known for word in labels(self._specs[axis][value])[axis]]
            self.wrong(node, f"no run of this suite has {axis} {node.text} here", hint(node.text, dict.fromkeys(words)))
        return values
