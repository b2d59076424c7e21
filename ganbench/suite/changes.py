"""The command line's changes to a suite: `--set` and the seeds before it is read, `--only` afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ganbench.errors import RequestError
from ganbench.plugins import hint
from ganbench.spec import AXES, RunSpec
from ganbench.suite.nodes import Mistakes, Node, TextSource, parse, placed
from ganbench.suite.rules import all_labels, labels
from ganbench.text import span

MOST_SEEDS = 100_000


@dataclass(frozen=True)
class Changes:
    """`only`: `variant=ns,lsgan`; `seeds`: 3 for seeds 0, 1, 2; `set`: `train.steps=100`; `more_seeds`: 3 for the
    suite's own seeds and the three numbers after their largest.
    """

    only: tuple[str, ...] = ()
    seeds: int | None = None
    set: tuple[str, ...] = ()
    more_seeds: int | None = None

    @property
    def grid(self) -> bool:
        """Whether the grid differs from that of the file."""
        flags = (self.seeds, self.more_seeds)
        return any(flag is not None for flag in flags) or any(text.startswith(("grid.", "grid=")) for text in self.set)


def changed(tree: Node, changes: Changes, mistakes: Mistakes) -> Node:
    """A suite's nodes with the values of `--set` and of the seeds. A mistake in such a value names the flag."""
    for text in changes.set:
        tree = _set(tree, TextSource(f"--set {text}"), text, mistakes)
    if changes.seeds is not None:
        tree = _set(tree, TextSource(f"--seeds {changes.seeds}"), f"grid.seed={changes.seeds}", mistakes)
    if changes.more_seeds is not None:
        tree = _with_more_seeds(tree, changes.more_seeds, mistakes)
    return tree


def seed_note(own: Node, new: Node, changes: Changes) -> str:
    """What `--seeds` or `--more-seeds` takes: `--seeds 10: seeds 0 to 9; the file has 5 to 9`; empty without them."""
    flags = (("--seeds", changes.seeds), ("--more-seeds", changes.more_seeds))
    given = " ".join(f"{name} {value}" for name, value in flags if value is not None)
    before, after = _all_seeds(own), _all_seeds(new)
    if not given or not after:
        return ""
    other = f"; the file has {span(before)}" if before and before != after else ""
    return f"{given}: seeds {span(after)}{other}"


def _with_more_seeds(tree: Node, more: int, mistakes: Mistakes) -> Node:
    """Each block of the grid with its own seeds and `more` after their largest; what is malformed stays as it is."""
    here = Node(None, TextSource(f"--more-seeds {more}"), 1, 1)
    if not 1 <= more <= MOST_SEEDS:
        mistakes.at(here, f"more_seeds = {more} must be in 1 .. {MOST_SEEDS}")
        return tree

    def extended(block: Node) -> Node:
        seeds = _seeds(block)
        if not isinstance(block.value, dict) or not seeds:
            return block
        every = (*seeds, *range(max(seeds) + 1, max(seeds) + 1 + more))
        nodes: list[Node] = [replace(here, value=seed, written=str(seed)) for seed in every]
        return replace(block, value={**block.value, "seed": replace(here, value=nodes, key=here)})

    grid = tree.value.get("grid") if isinstance(tree.value, dict) else None
    if grid is None:
        return tree
    new = replace(grid, value=[extended(block) for block in grid.items]) if grid.items is grid.value else extended(grid)
    return placed(tree, ["grid"], new) or tree


def _all_seeds(tree: Node) -> tuple[int, ...]:
    grid = tree.value.get("grid") if isinstance(tree.value, dict) else None
    return tuple(sorted({seed for block in grid.items for seed in _seeds(block)})) if grid else ()


def _seeds(block: Node) -> tuple[int, ...]:
    """The seeds of a block of the grid; none where they are malformed."""
    seed = block.value.get("seed") if isinstance(block.value, dict) else None
    if seed is None:
        return (0,)
    if type(seed.value) is int:
        return tuple(range(min(seed.value, MOST_SEEDS)))
    seeds = tuple(item.value for item in seed.items if type(item.value) is int)
    return seeds if len(seeds) == len(seed.items) else ()


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
