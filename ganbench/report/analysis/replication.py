"""Whether answers come out again: the claims of a suite tested on a second results folder with other seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganbench.errors import RequestError
from ganbench.report.analysis.looks import tested
from ganbench.report.analysis.rows import rows
from ganbench.report.analysis.trajectories import per_run
from ganbench.results.table import read_results
from ganbench.text import span

if TYPE_CHECKING:
    from ganbench.report.analysis.claims import Verdict
    from ganbench.results.manifest import Manifest
    from ganbench.results.store import Store
    from ganbench.results.table import Results

    Cells = set[frozenset[tuple[str, str | int]]]

TODO = "run the same file with other seeds into a folder of its own: --set 'grid.seed=[...]' --results DIR"


@dataclass(frozen=True)
class Replication:
    """The same claims on other seeds, tested and corrected on their own, in the order of the report's claims.

    `results`: those of the replication. `seeds`: its seeds. `first`: those of the report.
    """

    results: Results
    first: tuple[int, ...]
    seeds: tuple[int, ...]
    verdicts: tuple[Verdict, ...]


def replication(first: Results, second: Store, rule: str) -> Replication:
    """Test the claims of `first` on the runs of the same suite in `second`, by its own looks.

    Raises `RequestError` if the suite never ran there, has other cells, claims or outcomes there, or has one of the
    seeds of `first`, and if `first` has no claims.
    """
    results = read_results(second, first.suite)
    where, own, manifest = str(second.root), first.manifest, results.manifest
    if not own.questions.claims:
        raise RequestError("--replication", f"{first.suite} has no claims", "a suite with claims", "leave it out")
    same = {
        "claims": own.questions.claims == manifest.questions.claims,
        "outcome": own.questions.outcome == manifest.questions.outcome,
        "cells": _cells(own) == _cells(manifest),
    }
    if other := [name for name, is_same in same.items() if not is_same]:
        given = f"{first.suite} has other {' and '.join(other)} here than in the results to replicate"
        raise RequestError(where, given, "a suite that differs only in its seeds and looks", TODO)
    seeds, shared = _seeds(manifest), sorted({*_seeds(own)} & {*_seeds(manifest)})
    if shared:
        given = f"{first.suite} has seeds here that the results to replicate have too: {span(shared)}"
        raise RequestError(where, given, "seeds that no run of the other folder has", TODO)
    runs = rows(results, per_run(results, rule), manifest.questions.outcome)
    return Replication(results, _seeds(own), seeds, tested(runs, manifest)[1])


def _cells(manifest: Manifest) -> Cells:
    return {
        frozenset((name, value) for name, value in columns.items() if name != "seed")
        for columns in manifest.runs.values()
    }


def _seeds(manifest: Manifest) -> tuple[int, ...]:
    return tuple(sorted({int(columns["seed"]) for columns in manifest.runs.values()}))
