"""Manifests of one suite that was run in several results folders: whether their rules agree, and their union."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from ganbench.results.manifest import Manifest

# What a folder may have more of than another: a suite was run with other seeds, or has grown. All else are rules.
GROWING = ("runs", "marks", "packs", "excluded", "not_evaluated", "axes")
NO_RULES = ("version", "about")
SHOWN = 60  # characters of a value


def disagreement(first: tuple[str, Manifest], second: tuple[str, Manifest]) -> str:
    """The first rule in which two manifests, each with its owner, differ; empty if they can be joined."""
    (ours, a), (theirs, b) = first, second
    for name in (field.name for field in fields(Manifest)):
        if name not in GROWING + NO_RULES and getattr(a, name) != getattr(b, name):
            return f"{ours} and {theirs} differ in `{name}`: {_shown(getattr(a, name), getattr(b, name))}"
    for run_id in a.runs.keys() & b.runs.keys():
        if a.marks[run_id] != b.marks[run_id]:
            marks = _shown(list(a.marks[run_id]), list(b.marks[run_id]))
            return f"{ours} and {theirs} score {run_id} at other steps: {marks}"
    return ""


def union(manifests: Sequence[Manifest]) -> Manifest:
    """One manifest with the runs of all. Where they differ, the first one counts.

    The runs are in the order of a suite: cell by cell as they first appear, and by seed within a cell.
    """
    first = manifests[0]
    runs = {run_id: columns for other in reversed(manifests) for run_id, columns in other.runs.items()}
    marks = {run_id: steps for other in reversed(manifests) for run_id, steps in other.marks.items()}
    packs = {run_id: seeds for other in reversed(manifests) for run_id, seeds in other.packs.items()}
    appeared = [run_id for other in manifests for run_id in other.runs]
    cells = {cell: index for index, cell in enumerate(dict.fromkeys(_cell(runs[run_id]) for run_id in appeared))}
    order = sorted(dict.fromkeys(appeared), key=lambda run_id: (cells[_cell(runs[run_id])], runs[run_id]["seed"]))
    return replace(
        first,
        runs={run_id: runs[run_id] for run_id in order},
        marks={run_id: marks[run_id] for run_id in order},
        packs=packs,
        axes=_each_once(manifests, "axes"),
        excluded=_each_once(manifests, "excluded"),
        not_evaluated=_each_once(manifests, "not_evaluated"),
    )


def _cell(columns: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in columns.items() if name != "seed")


def _each_once(manifests: Sequence[Manifest], name: str) -> tuple[Any, ...]:
    """The entries of all manifests, without those that are equal to an earlier one."""
    entries = [entry for manifest in manifests for entry in getattr(manifest, name)]
    return tuple(entry for index, entry in enumerate(entries) if entry not in entries[:index])


def _shown(first: Any, second: Any) -> str:
    """Two values in short; of two mappings the first entry that differs."""
    if isinstance(first, dict) and isinstance(second, dict):
        name = next(key for key in [*first, *second] if first.get(key) != second.get(key))
        return f"{name}: {_shown(first.get(name), second.get(name))}"
    return " and ".join(f"{text[:SHOWN]}..." if len(text) > SHOWN else text for text in map(str, (first, second)))
