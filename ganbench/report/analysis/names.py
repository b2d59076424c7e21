"""Names of datasets for ids and files, and names of cells short enough to stand beside a chart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ganbench.report.analysis.summary import CellSummary, DatasetSummary


def slugs(texts: Sequence[str]) -> list[str]:
    """Each text as letters, digits and dashes, no two alike: `ring8[std=0.05]` is `ring8-std-0-05`."""
    slugs: list[str] = []
    for text in texts:
        slug = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
        while slug in slugs:
            slug += "-2"
        slugs.append(slug)
    return slugs


def whole(summary: DatasetSummary, cell: CellSummary) -> tuple[str, ...]:
    """The values that distinguish a cell from the others on its dataset."""
    return tuple(str(cell.columns[name]) for name in summary.varying)


def labels(summary: DatasetSummary) -> list[str]:
    """The values that distinguish each cell, without the options that all components of a kind share."""
    columns = [shortened([str(cell.columns[name]) for cell in summary.cells]) for name in summary.varying]
    return [", ".join(parts) for parts in zip(*columns, strict=True)] or [""] * len(summary.cells)


def shortened(values: Sequence[str]) -> list[str]:
    """`mlp[z=16,pac=2]` and `mlp[z=16]` become `mlp[pac=2]` and `mlp`."""
    parts = [_parts(value) for value in values]
    shared: dict[str, set[str]] = {}
    for kind, options in parts:
        shared[kind] = shared.get(kind, set(options)) & set(options)
    left = [(kind, [option for option in options if option not in shared[kind]]) for kind, options in parts]
    return [f"{kind}[{','.join(options)}]" if options else kind for kind, options in left]


def _parts(value: str) -> tuple[str, list[str]]:
    """The kind of a notation and its options; brackets within an option are part of it."""
    kind, bracket, rest = value.partition("[")
    if not bracket or not rest.endswith("]"):
        return value, []
    options, depth = [""], 0
    for letter in rest[:-1]:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            options.append("")
        else:
            options[-1] += letter
    return kind, options
