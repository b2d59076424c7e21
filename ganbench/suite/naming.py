"""From words to the values that runs have in their columns: a notation first, then a kind, a number or fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ganbench.plugins import hint
from ganbench.results.questions import Named, Where
from ganbench.spec import AXES, RunSpec
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.rules import is_named, labels


class Names:
    """The values of some runs, and who says so where a word names none of them (`mistakes` None: nobody)."""

    def __init__(self, specs: Iterable[RunSpec], mistakes: Mistakes | None) -> None:
        self._mistakes = mistakes
        self._rows: list[dict[str, Any]] = []
        self._specs: dict[str, dict[Named, RunSpec]] = {axis: {} for axis in AXES}  # one that has the value
        for spec in specs:
            columns = spec.columns()
            self._rows.append(columns)
            for axis in AXES:
                self._specs[axis].setdefault(columns[axis], spec)

    def wrong(self, node: Node, message: str, *hints: str) -> None:
        """Note a mistake."""
        if self._mistakes:
            self._mistakes.at(node, message, *hints)

    def where(self, node: Node | None) -> Where:
        """The values that `where` means; an axis may name several."""
        entries = node.value if node and isinstance(node.value, dict) else {}
        found: dict[str, tuple[Named, ...]] = {}
        for axis, entry in entries.items():
            known = tuple(self._specs[axis])
            values = [value for item in entry.items for value in self._named(axis, item, known)]
            found[axis] = tuple(dict.fromkeys(values))
        if found and all(found.values()) and not self._kept(found):
            self.wrong(node or entry, "no run of this suite has all of these values at once")
        return found

    def one(self, axis: str, node: Node, where: Where) -> Named:
        """The one value of an axis that a word means among the runs of `where`."""
        known = tuple(dict.fromkeys(row[axis] for row in self._kept(where)))
        found = self._named(axis, node, known) if known else [node.text]
        if len(found) > 1:
            given = f"{node.text} names {len(found)} values of {axis}: {', '.join(map(str, found))}"
            self.wrong(node, given, "name one of them, or narrow `where`")
        return found[0] if found else node.text

    def _kept(self, where: Where) -> list[dict[str, Any]]:
        return [row for row in self._rows if all(row[axis] in values for axis, values in where.items())]

    def _named(self, axis: str, node: Node, known: tuple[Named, ...]) -> list[Named]:
        exact = [value for value in known if str(value) == str(node.plain)]
        found = exact or [value for value in known if is_named(node.plain, axis, self._specs[axis][value])]
        if not found:
            words = [word for value in known for word in labels(self._specs[axis][value])[axis]]
            self.wrong(node, f"no run of this suite has {axis} {node.text} here", hint(node.text, dict.fromkeys(words)))
        return found
