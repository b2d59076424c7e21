"""The commands that run things: suites, searches, and what belongs to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganbench.cli.options import as_json, changes, only, results, seeds, where


@click.command()
@click.argument("suites", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SUITE...")
@only
@seeds
@changes
@where
@click.option("--pack", type=click.IntRange(min=1), default=1, show_default=True,
              help="Seeds of a cell that are trained as one program.")  # fmt: skip
@click.option("--retry-failed", is_flag=True, help="Run failed runs again.")
@click.option("-n", "--dry-run", is_flag=True, help="Say what would run, and run nothing.")
@as_json
def run(suites: tuple[Path, ...], **options: Any) -> int:
    """Run what is left of one or more suites. Type the same line again to go on after a stop.

    \b
    Examples:
      ganbench run suites/stability.yaml
      ganbench run suites/stability.yaml --only variant=ns,lsgan --only dataset=ring8 --seeds 2
      ganbench run suites/stability.yaml --set train.steps=500 --set evaluate.samples=200
      ganbench run suites/stability-mnist.yaml --devices 0,1 --per-gpu 4 --pack 5
    """
    from ganbench.commands import running

    return running.run(suites, options)


@click.command()
@click.argument("suite", type=click.Path(path_type=Path))
@click.option("--metric", metavar="NAME", help="What to search by; by default the suite's first metric.")
@click.option("--trials", type=click.IntRange(min=1), default=16, show_default=True, help="Trials of each contender.")
@click.option(
    "--search", multiple=True, metavar="FIELD", help="Search these alone: optimizer.lr, variant.gp_weight ..."
)
@click.option("--sampler", type=click.Choice(["random", "tpe"]), default="random", show_default=True,
              help="Only a random search says what the best of fewer trials would have been.")  # fmt: skip
@only
@seeds
@changes
@where
@as_json
def tune(suite: Path, **options: Any) -> int:
    """Search each contender's settings with the same number of trials, then run the best on seeds of their own.

    A contender is a cell of the suite without the fields that are searched; `ganbench list` shows where each is.
    Half of every round of trials is given up after a quarter of its steps. Type the same line again to go on.

    \b
    Examples:
      ganbench tune suites/stability.yaml --metric fd_classifier --trials 16 --only dataset=digits
      ganbench tune suites/stability.yaml --search optimizer.lr --search optimizer.beta1
    """
    from ganbench.commands import running

    return running.tune(suite, {"retry_failed": False, "pack": 1, **options})


@click.command()
@click.argument("suites", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SUITE...")
@only
@seeds
@changes
def check(suites: tuple[Path, ...], **options: Any) -> None:
    """Check suite files: every mistake at once, with its line; then what would run. Nothing is written.

    \b
    Example:
      ganbench check suites/*.yaml
    """
    from ganbench.commands import running

    running.check(suites, options)


@click.command()
@click.argument("suite", required=False)
@results
@click.option("--once", is_flag=True, help="Print it as it is now.")
def watch(suite: str | None, results: Path, once: bool) -> None:
    """Look on while a suite runs, from any terminal: how far it is, who works, the newest scores.

    \b
    Examples:
      ganbench watch stability
      ganbench watch stability --once
    """
    from ganbench.commands import running

    running.watch(results, suite, once)


@click.command()
@click.argument("suites", nargs=-1, metavar="[SUITE]...")
@results
@click.option("--tracking-uri", metavar="URI", help="MLflow; by default MLFLOW_TRACKING_URI or RESULTS/mlflow.db.")
def sync(suites: tuple[str, ...], results: Path, tracking_uri: str | None) -> None:
    """Mirror the results to MLflow again; what is there already is not added twice.

    \b
    Examples:
      ganbench sync
      ganbench sync stability --tracking-uri http://localhost:5000
    """
    from ganbench.commands import running

    running.sync(results, suites, tracking_uri)


@click.command()
@click.argument("dataset")
@click.option("--root", type=click.Path(path_type=Path), help="Data folder; by default GANBENCH_DATA.")
def fetch(dataset: str, root: Path | None) -> None:
    """Download a data set into the data folder: the only command that downloads data.

    \b
    Example:
      GANBENCH_DATA=~/data ganbench fetch mnist
    """
    from ganbench.commands import running

    running.fetch(dataset, root)
