"""`ganbench sync`: mirror results to MLflow."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.completion import suite_names
from ganbench.cli.exit_codes import DONE, FAILED
from ganbench.cli.options import as_json, collected, results
from ganbench.cli.terminal import answer_either, note
from ganbench.errors import RequestError

if TYPE_CHECKING:
    from ganbench.results.store import Store


@dataclass(frozen=True, kw_only=True)
class SyncOptions:
    """What `ganbench sync` takes."""

    suites: tuple[str, ...]
    results: Path
    tracking_uri: str | None
    log_models: bool
    as_json: bool


@dataclass(frozen=True)
class Models:
    """The generators that were logged, by suite, and a sentence for each one that could not be."""

    logged: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@click.command()
@click.argument("suites", nargs=-1, metavar="[SUITE]...", shell_complete=suite_names)
@results
@click.option("--tracking-uri", metavar="URI",
              help="MLflow store; the default is MLFLOW_TRACKING_URI or RESULTS/mlflow.db.")  # fmt: skip
@click.option("--log-models", is_flag=True,
              help="Log the generator of each finished run too. Name a suite with components or data of your own by its"
                   " file.")  # fmt: skip
@as_json
@collected(SyncOptions)
def sync(options: SyncOptions) -> int:
    """Mirror results to MLflow. What MLflow already holds is not added again.

    A damaged run is named and left as MLflow has it, and the exit code is 1. So is a generator that can't be logged.

    \b
    Examples:
      ganbench sync
      ganbench sync stability --tracking-uri http://localhost:5000
      ganbench sync stability --log-models
    """
    from ganbench import tracking
    from ganbench.cli.request import print_damage, suite_name
    from ganbench.results.store import Store

    store = Store(options.results)
    uri = tracking.resolve(options.tracking_uri, options.results)
    if uri is None:
        raise RequestError("--tracking-uri", "`none` is not an MLflow store", "allowed: an MLflow tracking URI")
    typed = {suite_name(store, name): name for name in options.suites}
    synced = tracking.sync(store, uri, list(typed) or None, note)
    named = typed or dict.fromkeys(store.suites(), "")
    models = _log_models(store, uri, named) if options.log_models else Models()
    body = {"uri": tracking.shown(uri), **asdict(synced), "models": models.logged, "problems": models.problems}
    files = f", {synced.files_restored} files restored" if synced.files_restored else ""
    lines = [f"{synced.runs} runs in {tracking.shown(uri)}: {synced.metrics_added} metric values added{files}"]
    lines += [f"{name}: {count} models logged" for name, count in models.logged.items()]
    answer_either(body, "\n".join(lines), options.as_json)
    print_damage(synced.damaged)
    for problem in models.problems:
        note(problem)
    return FAILED if models.problems or synced.damaged else DONE


def _log_models(store: Store, uri: str, suites: dict[str, str]) -> Models:
    """Log the generators of suites, by their names, with the files as the user typed them."""
    from ganbench.api.lookup import specs_of
    from ganbench.api.mirroring import log_generators
    from ganbench.api.suites import load_suite

    models = Models()
    for name, typed in suites.items():
        known = specs_of(load_suite(typed)) if typed.endswith((".yaml", ".yml")) else {}
        logged = log_generators(store, uri, name, known)
        models = Models(models.logged | {name: logged.added}, (*models.problems, *logged.problems))
    return models
