"""At which look each run of a suite enters the tests of claims."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganbench.results.manifest import Columns


def look_of_runs(runs: Mapping[str, Columns], looks: Sequence[int]) -> dict[str, int]:
    """The look of each run, counted from 0, by its place among the runs of its cell in the suite's order.

    `runs`: the columns by run id. `looks`: the number of seeds at each look, ascending. A run after the last look gets
    the number of looks; without looks every run gets 0.
    """
    places, found = Counter[tuple[tuple[str, str | int], ...]](), {}
    for run_id, columns in runs.items():
        cell = tuple((name, value) for name, value in columns.items() if name != "seed")
        found[run_id] = bisect_right(looks, places[cell])
        places[cell] += 1
    return found
