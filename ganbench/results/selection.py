"""Runs chosen and paired by their columns: those of a plan, and those that have numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol, TypeVar

from ganbench.results.questions import Contrast

if TYPE_CHECKING:
    from ganbench.results.manifest import Columns
    from ganbench.results.questions import Named, Part, Where

    Key = tuple[Named, ...]


class HasColumns(Protocol):
    """Anything that has the columns of a run."""

    @property
    def columns(self) -> Columns: ...


T = TypeVar("T", bound=HasColumns)


def within(runs: Iterable[T], where: Where) -> list[T]:
    """The runs that have one of the given values in every given column."""
    for column, values in where.items():
        runs = [run for run in runs if run.columns[column] in values]
    return list(runs)


def by(runs: Iterable[T], names: Sequence[str]) -> dict[Key, list[T]]:
    """The runs grouped by their values in some columns, in order."""
    groups: defaultdict[Key, list[T]] = defaultdict(list)
    if len(names) > 1:  # many runs are grouped many times, and this getter is quick
        key = itemgetter(*names)
        for run in runs:
            groups[key(run.columns)].append(run)
    else:
        for run in runs:
            groups[tuple([run.columns[name] for name in names])].append(run)
    return dict(groups)


def sides(runs: Iterable[T], part: Part) -> tuple[list[T], ...]:
    """The runs of each side of a contrast, or the runs of a level."""
    matching, test = within(runs, part.where), part.test
    if not isinstance(test, Contrast):
        return (matching,)
    better, worse = ({name: (value,) for name, value in cell.items()} for cell in (test.better, test.worse))
    return within(matching, better), within(matching, worse)


def shared(
    first: Sequence[HasColumns], second: Sequence[HasColumns], axes: Collection[str]
) -> tuple[list[str], list[str]]:
    """The columns by which two sides can be paired, and those that change with the axes in which they differ."""
    fixed = {*axes, "seed", "dataset"}
    names = [name for name in first[0].columns if name not in fixed] if first and second else []
    common = {name: {run.columns[name] for run in first} & {run.columns[name] for run in second} for name in names}
    return [name for name in names if common[name]], [name for name in names if not common[name]]


def partners(first: Sequence[T], second: Sequence[T], names: Sequence[str]) -> dict[Key, tuple[list[T], list[T]]]:
    """The runs of both sides by what pairs them: the columns that they share, `names`, and, last, the seed."""
    keys = (*names, "seed")
    ours, theirs = by(first, keys), by(second, keys)
    found: Mapping[Key, None] = dict.fromkeys((*ours, *theirs))
    return {key: (ours.get(key, []), theirs.get(key, [])) for key in found}
