import csv
from collections.abc import Mapping

from ganbench.tracking.hooks import Hook, TrackedRun


class CsvLog(Hook):
    """Appends every score to `scores.csv` in the results folder: run, step, metric, value."""

    def on_scores(self, run: TrackedRun, step: int, scores: Mapping[str, float]) -> None:
        results = run.path.parent.parent
        with (results / "scores.csv").open("a", newline="") as file:
            csv.writer(file).writerows((run.run_id, step, metric, value) for metric, value in scores.items())
