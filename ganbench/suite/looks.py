"""The sections `looks` and `looked_at`: when claims are tested, and the seeds that no claim may be tested on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated

from annotated_types import Ge

from ganbench.spec import RunSpec
from ganbench.suite.changes import Changes
from ganbench.suite.nodes import Mistakes, Node
from ganbench.suite.values import SCALARS, scalar

FewestSeeds = Annotated[int, Ge(2)]
EXAMPLE = "looks: [12, 24]"


@dataclass(frozen=True, eq=False)
class DraftLooks:
    """Both sections, read. `looks`: the number of seeds at each look. `looked_at`: seeds."""

    looks: tuple[int, ...] = ()
    looked_at: frozenset[int] = frozenset()
    looks_node: Node | None = None
    seeds_node: Node | None = None

    def check(self, specs: Iterable[RunSpec], changes: Changes, mistakes: Mistakes) -> None:
        """Note runs with seeds that were looked at, and a last look that is not the number of seeds.

        Fewer seeds than the file has, for a trial, are no mistake: the later looks are then not reached.
        """
        specs = tuple(specs)
        used = sorted({spec.seed for spec in specs} & self.looked_at)
        if used and self.seeds_node:
            words = ", ".join(map(str, used[:8]))
            flag = next((f"--{name} {n}: " for name, n in _flags(changes).items() if n is not None), "")
            todo = 'name other seeds: --set "grid.seed=[...]" or grid.seed in the file'
            given = f"{flag}the suite's rules and thresholds were set by looking at seeds {words}"
            mistakes.at(self.seeds_node, given, "claims are tested on other seeds", todo)
        if self.looks_node:
            counts = Counter(replace(spec, seed=0) for spec in specs)
            wrong = [n for n in counts.values() if n > self.looks[-1] or (n < self.looks[-1] and not changes.grid)]
            if wrong:
                given = f"the last look is after {self.looks[-1]} seeds, and a cell has {wrong[0]}"
                mistakes.at(self.looks_node, given, "every cell has as many seeds as the last look", EXAMPLE)


def read_looks(top: Mapping[str, Node], mistakes: Mistakes) -> DraftLooks:
    """The sections `looks` and `looked_at` of a suite."""
    node, seeds = top.get("looks"), top.get("looked_at")
    looks = [scalar("looks", FewestSeeds, item, mistakes) for item in node.items] if node else []
    looked_at = [scalar("looked_at", SCALARS["seed"], item, mistakes) for item in seeds.items] if seeds else []
    known = tuple(look for look in looks if look is not None)
    if node and (not looks or any(a >= b for a, b in pairwise(known))):
        mistakes.at(node, "looks must be ascending numbers of seeds", EXAMPLE)
    if node and "claims" not in top:
        mistakes.at(node.key or node, "looks are tests of claims, and this suite has no claims", "leave `looks` out")
    return DraftLooks(known, frozenset(seed for seed in looked_at if seed is not None), node, seeds)


def _flags(changes: Changes) -> dict[str, int | None]:
    return {"seeds": changes.seeds, "more-seeds": changes.more_seeds}
