"""The cells of a suite in MLflow: a parent run for each, under which the UI groups the runs of its seeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ganbench.results.files import lock_file
from ganbench.results.store import Store
from ganbench.tracking.record import SUITE, Record

if TYPE_CHECKING:
    from mlflow import MlflowClient

CELL = "ganbench.cell"  # the tag that identifies the parent run of a cell within its experiment
PARENT = "mlflow.parentRunId"  # MLflow's own tag
WORST_FIRST = ("RUNNING", "FAILED", "KILLED", "FINISHED")


@dataclass(frozen=True)
class ParentRuns:
    """The parent runs of the cells. A method may raise any exception of MLflow."""

    client: MlflowClient
    store: Store
    _found: dict[tuple[str, str], str] = field(default_factory=dict)  # (experiment, cell) -> run

    def of(self, record: Record, experiment: str) -> str:
        """The id of the parent run of a record's cell. It is created if needed."""
        key = (experiment, record.cell)
        if key not in self._found:
            # Two processes may mirror seeds of one cell at a time.
            with lock_file(self.store.root / "runs" / ".locks" / f"{record.tags[SUITE]}.{record.cell}.mlflow.lock"):
                self._found[key] = self._find(record, experiment) or self._create(record, experiment)
        return self._found[key]

    def settle(self, parent: str, experiment: str, end: int) -> None:
        """Give a parent run the worst status of its runs, and the time at which the last of them has ended."""
        runs = self.client.search_runs([experiment], f"tags.`{PARENT}` = '{parent}'")
        held = {run.info.status for run in runs}
        status = next((known for known in WORST_FIRST if known in held), "RUNNING")
        if status == "RUNNING":
            self.client.update_run(parent, status=status)
        else:
            self.client.set_terminated(parent, status, max(end, *(run.info.end_time or 0 for run in runs)))

    def _find(self, record: Record, experiment: str) -> str | None:
        query = f"tags.`{CELL}` = '{record.cell}'"
        runs = self.client.search_runs([experiment], query, order_by=["attributes.start_time"])
        for duplicate in runs[1:]:  # restored from the trash together with its experiment
            self.client.delete_run(duplicate.info.run_id)
        return runs[0].info.run_id if runs else None

    def _create(self, record: Record, experiment: str) -> str:
        from mlflow.entities import Param

        tags = {CELL: record.cell, SUITE: record.tags[SUITE]}
        run = self.client.create_run(experiment, record.start, tags, run_name=record.cell_name)
        params = [Param(name, value) for name, value in record.columns.items() if name != "seed"]
        self.client.log_batch(run.info.run_id, params=params)
        return str(run.info.run_id)
