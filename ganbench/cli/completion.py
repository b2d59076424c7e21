"""What a shell offers after TAB: names of suites, ids of runs, families, and values of the axes. It loads no torch.

click asks these functions with what was typed so far. Nothing is offered where a results folder can't be read.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from ganbench.errors import GanbenchError
from ganbench.plugins import FAMILIES, Registry
from ganbench.spec import GRID_AXES

if TYPE_CHECKING:
    import click

    from ganbench.results.store import Store


def suite_names(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
    """Names of the suites with results; files where no name begins so."""
    known = [CompletionItem(name) for name in _store(context).suites() if name.startswith(typed)]
    return known or [CompletionItem(typed, type="file")]


def run_ids(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Ids of the runs in the results folder."""
    return [folder.run_id for folder in _store(context).runs() if folder.run_id.startswith(typed)]


def families(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Families of components."""
    return [name for name in FAMILIES.values() if name.startswith(typed)]


def datasets(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """Datasets that ganbench ships."""
    return [name for name in Registry().names("dataset") if name.startswith(typed)]


def axis_values(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
    """`AXIS=VALUE`: the values of the typed suites' runs, or the kinds of the axis where none of the suites has run."""
    axis, equals, rest = typed.partition("=")
    if not equals:
        return [f"{name}=" for name in GRID_AXES if name.startswith(axis)]
    before, comma, last = rest.rpartition(",")
    values = _values_of_runs(context, axis) or (Registry().names(axis) if axis in FAMILIES else ())
    return [f"{axis}={before}{comma}{value}" for value in values if value.startswith(last)]


def _values_of_runs(context: click.Context, axis: str) -> tuple[str, ...]:
    """The values on an axis of the runs of the suites that were typed, of those that have results."""
    from ganbench.results.manifest import read_manifest

    store = _store(context)
    names = {Path(word).stem for word in context.args}  # click leaves the suites there: `--only` lacks its value
    values: dict[str, None] = {}
    for name in sorted(names & set(store.suites())):
        with suppress(GanbenchError, OSError):
            values.update({str(columns[axis]): None for columns in read_manifest(store, name).runs.values()
                           if axis in columns})  # fmt: skip
    return tuple(values)


def _store(context: click.Context) -> Store:
    """The results folder that was typed, else the default one."""
    from ganbench.results.store import Store

    given = context.params.get("results")
    return Store(Path(given) if isinstance(given, (str, Path)) else Path("results"))
