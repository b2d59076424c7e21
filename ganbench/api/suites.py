"""Suites in Python: read from a file, or written in place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganbench.datasets.parts.files import data_root
from ganbench.suite import Changes, Suite, load
from ganbench.suite import changed as expanded
from ganbench.suite import declare as declared


def load_suite(path: Path | str, *, only: Iterable[str] = (), changes: Iterable[str] = ()) -> Suite:
    """Read, check and expand a suite file.

    `only`: what to keep of the grid, `["variant=ns,lsgan"]`. `changes`: values to change, `["train.steps=100"]`.
    Raises `SuiteError` with every mistake, each with its line, or `RequestError` for a file that can't be read.
    """
    return load(Path(path), Changes(only=tuple(only), set=tuple(changes)), data_root())


def declare(
    name: str,
    grid: Mapping[str, Any] | Iterable[Mapping[str, Any]],
    train: Mapping[str, Any] | None = None,
    evaluate: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Suite:
    """A suite without a file, under the name `ganbench.Suite`: the keys of a suite file as keywords.

    `sections`: `about`, `exclude`, `select`, `outcome`, `claims` and every other key of `docs/reference/suite-file.md`.
    Raises `SuiteError` with every mistake, each named by its key, such as `grid.variant[1].gp_weight`.
    """
    grid = dict(grid) if isinstance(grid, Mapping) else list(grid)
    given = {"train": train, "evaluate": evaluate}
    written = {"name": name, "grid": grid, **{key: value for key, value in given.items() if value is not None}}
    return declared({**written, **sections}, data_root())


def changed(suite: Suite, seeds: int) -> Suite:
    """The suite with the seeds 0 to `seeds` - 1 in place of its own. Raises `SuiteError`."""
    return expanded(suite, Changes(seeds=seeds), data_root())
