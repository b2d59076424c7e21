"""The command line: parses, calls, prints. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from ganbench import __version__, cli_scores
from ganbench.errors import GanbenchError, RequestError

F = TypeVar("F", bound=Callable[..., Any])
FAILED, WRONG, INTERRUPTED = 1, 2, 130  # exit codes, beside 0

results = click.option(
    "--results", default="results", show_default=True, type=click.Path(path_type=Path), help="Folder of run folders."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
only = click.option("--only", multiple=True, metavar="AXIS=VALUE[,VALUE]", help="Only these cells of the grid.")
seeds = click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Seeds 0 to N-1 instead of the suite's.")
changes = click.option("--set", "set_", multiple=True, metavar="KEY=VALUE", help="Change a value of the suite file.")

WHERE = (
    click.option("--executor", type=click.Choice(["local", "inline"]), default="local", show_default=True,
                 help="Worker processes on this machine, or this process."),
    click.option("--workers", type=click.IntRange(min=1), help="Worker processes; on a CPU one a core by default."),
    click.option("--devices", default="auto", show_default=True, metavar="auto|cpu|0,1", help="Where to train."),
    click.option("--per-gpu", type=click.IntRange(min=1), default=1, show_default=True, help="Workers on each GPU."),
    click.option("--save-every", type=click.FloatRange(min=0), default=10.0, show_default=True, metavar="SECONDS",
                 help="Time between the checkpoints that a killed run resumes from."),
    results,
    click.option("--tracking-uri", metavar="URI|none",
                 help="MLflow; by default MLFLOW_TRACKING_URI or RESULTS/mlflow.db."),
)  # fmt: skip


def where(command: F) -> F:
    """The options that say where runs are done and kept."""
    for option in reversed(WHERE):
        command = option(command)
    return command


def main() -> None:
    """The console command: a wrong request prints its message without a traceback and exits with 2."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = WRONG
    except RequestError as error:
        click.echo(str(error), err=True)
        code = WRONG
    except GanbenchError as error:
        click.echo(str(error), err=True)
        code = FAILED
    except BrokenPipeError:  # `ganbench report | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ganbench")
def cli() -> None:
    """Which GAN objective trains stably, on which data, with which optimizer and batch norm, and how sure are we?

    \b
    Examples:
      ganbench run suites/quick.yaml                    a first table in under a minute
      ganbench run suites/stability.yaml --dry-run      what would run, and what is excluded and why
      ganbench report stability --format latex          the table of a paper
      ganbench list variants                            what there is to compare

    Data sets that are not embedded are read from the folder that GANBENCH_DATA names.
    """


@cli.command()
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
    from ganbench import commands

    return commands.run(suites, options)


@cli.command()
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
    from ganbench import commands

    return commands.tune(suite, {"retry_failed": False, "pack": 1, **options})


@cli.command()
@click.argument("suite", required=False)
@results
@click.option("--format", "format_", default="markdown", show_default=True,
              type=click.Choice(["markdown", "csv", "latex", "html", "json"]))  # fmt: skip
@click.option("--rule", metavar="last|tail|best:METRIC", help="How a run's marks become one number.")
@click.option("--out", type=click.Path(path_type=Path), help="Write to a file instead of stdout.")
@click.option("--publish", type=click.Path(path_type=Path), metavar="DIR",
              help="Write every format, the environment and the figures (PDF, PNG) into a folder.")  # fmt: skip
def report(suite: str | None, results: Path, **options: Any) -> None:
    """Aggregate a suite's runs into tables.

    \b
    Examples:
      ganbench report stability
      ganbench report stability --format latex --out table.tex
      ganbench report stability --format html --out report.html
      ganbench report stability --format csv | column -ts,
      ganbench report stability --publish paper/
    """
    from ganbench import commands

    commands.report(results, suite, options)


@cli.command()
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
    from ganbench import commands

    commands.check(suites, options)


@cli.command("list")
@click.argument("family", required=False)
@click.option("--plugin", "plugins", multiple=True, type=click.Path(path_type=Path), help="A file with your component.")
@as_json
def list_(family: str | None, plugins: tuple[Path, ...], as_json: bool) -> None:
    """List variants, datasets, networks, optimizers and evaluators with their sources and options.

    \b
    Examples:
      ganbench list
      ganbench list variants
      ganbench list --json
    """
    from ganbench import commands

    commands.list_(family, plugins, as_json)


@cli.command()
@click.argument("run_id", metavar="RUN")
@results
def show(run_id: str, results: Path) -> None:
    """Show one run: its spec, state, scores, files, and the log's end where it failed. A unique beginning is enough.

    \b
    Example:
      ganbench show lsgan-ring8-bn0-adam-s0
    """
    from ganbench import commands

    commands.show(results, run_id)


@cli.command()
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
    from ganbench import commands

    commands.watch(results, suite, once)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of suite files, for editors.

    \b
    Example:
      ganbench schema > suite.schema.json
    """
    from ganbench import commands

    commands.schema()


@cli.command()
@click.argument("suite", type=click.Path(path_type=Path))
def cite(suite: Path) -> None:
    """Print the sources of everything that a suite uses.

    \b
    Example:
      ganbench cite suites/stability.yaml
    """
    from ganbench import commands

    commands.cite(suite)


@cli.command()
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
    from ganbench import commands

    commands.sync(results, suites, tracking_uri)


@cli.command()
@click.argument("dataset")
@click.option("--root", type=click.Path(path_type=Path), help="Data folder; by default GANBENCH_DATA.")
def fetch(dataset: str, root: Path | None) -> None:
    """Download a data set into the data folder: the only command that downloads data.

    \b
    Example:
      GANBENCH_DATA=~/data ganbench fetch mnist
    """
    from ganbench import commands

    commands.fetch(dataset, root)


cli.add_command(cli_scores.evaluate)
cli.add_command(cli_scores.parity)
cli.add_command(cli_scores.cache)


if __name__ == "__main__":
    main()
