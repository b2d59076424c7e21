"""The command line's changes to a suite: `--set` and `--seeds` before it is read, `--only` afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ganbench.errors import RequestError
from ganbench.plugins import hint
from ganbench.spec import AXES, RunSpec
from ganbench.suite.nodes import Mistakes, Node, TextSource, parse, placed
from ganbench.suite.rules import all_labels, labels


@dataclass(frozen=True)
class Changes:
    """`only`: `variant=ns,lsgan`; `seeds`: 3 for the seeds 0, 1, 2; `set`: `train.steps=100`."""

    only: tuple[str, ...] = ()
    seeds: int | None = None
    set: tuple[str, ...] = ()

    @property
    def grid(self) -> bool:
        """Whether the grid differs from that of the file."""
        return self.seeds is not None or any(text.startswith(("grid.", "grid=")) for text in self.set)


def changed(tree: Node, changes: Changes, mistakes: Mistakes) -> Node:
    """A suite's nodes with the values of `--set` and `--seeds`. A mistake in such a value names the flag."""
    for text in changes.set:
        tree = _set(tree, TextSource(f"--set {text}"), text, mistakes)
    if changes.seeds is not None:
        tree = _set(tree, TextSource(f"--seeds {changes.seeds}"), f"grid.seed={changes.seeds}", mistakes)
    return tree


def _set(tree: Node, source: TextSource, text: str, mistakes: Mistakes) -> Node:
    here = Node(None, source, 1, 1)
    path, equals, value = text.partition("=")
    if not equals or not all(path.split(".")):
        mistakes.at(here, "it is not KEY=VALUE", "for example train.steps=100 or evaluate.samples=200")
        return tree
    new = parse(value or "null", source, mistakes)
    if new is None:
        return tree
    result = placed(tree, path.split("."), new)
    if result is None:
        mistakes.at(here, f"{path.rpartition('.')[0]} has no keys", "only a value in a mapping can be set")
        return tree
    return result


def kept(specs: Sequence[RunSpec], only: Sequence[str]) -> Callable[[RunSpec], bool]:
    """A function that returns whether `--only` keeps a run.

    Raises `RequestError` for an axis, a value or a combination that no run has.
    """
    wanted: dict[str, set[str]] = {}
    known = all_labels(specs if only else ())
    for text in only:
        axis, _, values = text.partition("=")
        if axis not in AXES:
            raise RequestError(f"--only {text}", f"there is no axis {axis!r}", hint(axis, AXES))
        for word in (part.strip() for part in re.split(r",(?![^\[]*\])", values)):
            if word not in known[axis]:
                raise RequestError(
                    f"--only {text}", f"no run of the suite has {axis} {word!r}", hint(word, known[axis])
                )
            wanted.setdefault(axis, set()).add(word)

    def keeps(spec: RunSpec) -> bool:
        return not wanted or all(words & set(labels(spec)[axis]) for axis, words in wanted.items())

    if not any(map(keeps, specs)):
        flags = " ".join(f"--only {text}" for text in only)
        raise RequestError(flags, "no run of the suite has all of these values", todo="leave one of them out")
    return keeps
