"""A suite's results and everything that is computed from them, from which the sections of a report are built."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ganbench.report.analysis.cells import points_of
from ganbench.report.analysis.fingerprints import require_one_fingerprint
from ganbench.report.analysis.replication import Replication, replication
from ganbench.report.analysis.summary import Report, summarise
from ganbench.report.analysis.trajectories import check_rule, per_run
from ganbench.results.table import Results, read_results

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.report.analysis.cells import Points
    from ganbench.results.store import Store


@dataclass(frozen=True)
class Study:
    """The results of a suite under one rule. `replication`: its claims on the seeds of a second results folder."""

    store: Store
    results: Results
    report: Report
    replication: Replication | None = None

    @property
    def damage(self) -> list[str]:
        """What is damaged and what to do: a sentence for each damaged run."""
        return [*self.results.damage, *(self.replication.results.damage if self.replication else ())]

    @cached_property
    def numbers(self) -> pd.DataFrame:
        """One row per run and metric (see `per_run`)."""
        return per_run(self.results, self.report.rule)

    @cached_property
    def points(self) -> Points:
        """The scores of every run by metric (see `points_of`)."""
        return points_of(self.results)


def read_study(store: Store, suite: str, rule: str | None, again: Store | None = None) -> Study:
    """Read a suite's runs and compute its report; `rule` None is the suite's own `select`.

    `again`: results of the same suite with other seeds, on which its claims are tested once more (see `replication`).
    Raises `RequestError` for an unknown suite or rule, and for a column with two fingerprints.
    """
    results = read_results(store, suite)
    chosen = check_rule(rule or results.manifest.select, list(results.manifest.metrics))
    require_one_fingerprint(results)
    found = replication(results, again, chosen) if again else None
    return Study(store, results, summarise(store, results, chosen), found)
