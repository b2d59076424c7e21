"""A column holds one fingerprint: numbers that were measured in two ways are refused, not averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.errors import RequestError
from ganbench.report.text import plural

if TYPE_CHECKING:
    import pandas as pd

    from ganbench.results.table import Results

NAMED = 3  # runs named for each way of measuring


def require_one_fingerprint(results: Results) -> None:
    """Raises `RequestError` if a metric on a dataset was measured in two ways; it names runs and the differences."""
    scores = results.scores.merge(results.runs[["run_id", "dataset"]], on="run_id")
    columns = scores.groupby(["dataset", "metric"])
    ways = columns["fingerprint"].nunique()
    mixed = list(ways.index[ways > 1])
    if mixed:
        lines = [
            f"{metric} on {dataset}: {_ways(columns.get_group((dataset, metric)), results)}"
            for dataset, metric in mixed
        ]
        raise RequestError(
            f"suite {results.suite}",
            "two fingerprints in one column\n  " + "\n  ".join(lines) + "\n",
            "a column holds one fingerprint",
            "evaluate these runs again in the same way, or report them as separate suites",
        )


def _ways(column: pd.DataFrame, results: Results) -> str:
    """`weights 'ab' in 4 runs (a, b, c and 1 more); weights 'cd' in 1 run (e)`."""
    numbers = sorted(column["fingerprint"].unique())
    prints = [results.fingerprints[number] for number in numbers]
    keys = sorted({key for first in prints for key in first if any(first[key] != other.get(key) for other in prints)})
    ways = []
    for number, fingerprint in zip(numbers, prints, strict=True):
        runs = sorted(column.loc[column["fingerprint"] == number, "run_id"].unique())
        more = f" and {len(runs) - NAMED} more" if len(runs) > NAMED else ""
        values = ", ".join(f"{key} {fingerprint.get(key, 'absent')!r}" for key in keys)
        ways.append(f"{values} in {plural(len(runs), 'run')} ({', '.join(runs[:NAMED])}{more})")
    return "; ".join(ways)
