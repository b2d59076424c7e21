"""`ganbench sync`: mirror results to MLflow."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.exit_codes import DONE, FAILED
from ganbench.cli.options import results
from ganbench.cli.terminal import answer, note
from ganbench.errors import RequestError


@click.command()
@click.argument("suites", nargs=-1, metavar="[SUITE]...")
@results
@click.option("--tracking-uri", metavar="URI",
              help="MLflow store; the default is MLFLOW_TRACKING_URI or RESULTS/mlflow.db.")  # fmt: skip
def sync(suites: tuple[str, ...], results: Path, tracking_uri: str | None) -> int:
    """Mirror results to MLflow. What MLflow already holds is not added again.

    A damaged run is named and left as MLflow has it, and the exit code is 1.

    \b
    Examples:
      ganbench sync
      ganbench sync stability --tracking-uri http://localhost:5000
    """
    from ganbench import tracking
    from ganbench.cli.request import print_damage, suite_name
    from ganbench.results.store import Store

    store = Store(results)
    uri = tracking.resolve(tracking_uri, results)
    if uri is None:
        raise RequestError("--tracking-uri", "`none` is not an MLflow store", "allowed: an MLflow tracking URI")
    names = [suite_name(store, typed) for typed in suites] or None
    synced = tracking.sync(store, uri, names, note)
    files = f", {synced.files_restored} files restored" if synced.files_restored else ""
    answer(f"{synced.runs} runs in {tracking.shown(uri)}: {synced.metrics_added} metric values added{files}")
    print_damage(synced.damaged)
    return FAILED if synced.damaged else DONE
