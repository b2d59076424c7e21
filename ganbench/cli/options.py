"""The options that several commands share, and the dataclasses that carry their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from ganbench.cli.completion import axis_values
from ganbench.plugins import Registry

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Code = TypeVar("Code", int, None)

results = click.option(
    "--results", default="results", show_default=True, type=click.Path(path_type=Path), help="Results folder."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


def _number_or_auto(things: str) -> Callable[[click.Context, click.Parameter, str], int | None]:
    """What reads a number of things, seeds in a pack or workers on a GPU: None for `auto`, failure for the rest."""

    def read(context: click.Context, option: click.Parameter, value: str) -> int | None:
        if value == "auto":
            return None
        if value.isdecimal() and int(value) > 0:
            return int(value)
        raise click.BadParameter(f"{value!r} is neither `auto` nor a number of {things} from 1 up", context, option)

    return read


SUITE = (
    click.option("--only", multiple=True, metavar="AXIS=VALUE[,VALUE]", shell_complete=axis_values,
                 help="Keep only these cells of the grid."),
    click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Use seeds 0 to N-1 instead of the suite's."),
    click.option("--more-seeds", type=click.IntRange(1, 100_000), metavar="N",
                 help="Add N new seeds after the largest seed of the suite."),
    click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a value of the suite file."),
)  # fmt: skip
EXECUTION = (
    click.option("--executor", type=click.Choice(Registry().names("executor")), default="local", show_default=True,
                 help="Train in worker processes on this machine, in this process, or on a cluster."),
    click.option("--on", multiple=True, metavar="KEY=VALUE|FILE",
                 help="Options of the executor: `ganbench list executors` shows them."),
    click.option("--workers", type=click.IntRange(min=1), help="Number of worker processes; on a CPU one per core."),
    click.option("--devices", default="auto", show_default=True, metavar="auto|cpu|0,1",
                 help="Devices to train on; a GPU by its index or its UUID, a MIG instance by its UUID."),
    click.option("--per-gpu", callback=_number_or_auto("workers"), default="auto", show_default=True, metavar="auto|K",
                 help="Workers on each GPU: as many as fit into its memory, or K. For CPUs use --workers."),
    click.option("--pack", callback=_number_or_auto("seeds"), default="auto", show_default=True, metavar="auto|K",
                 help="Seeds of a cell that are trained as one program, at most; for runs that are planned now."),
    click.option("--save-every", type=click.FloatRange(min=0), default=10.0, show_default=True, metavar="SECONDS",
                 help="Time between the checkpoints from which a killed run resumes."),
    results,
    click.option("--tracking-uri", metavar="URI|none",
                 help="MLflow store; the default is MLFLOW_TRACKING_URI or RESULTS/mlflow.db."),
    click.option("--system-metrics", is_flag=True, help="Log the load of this machine to MLflow; needs psutil."),
    click.option("--record-packages", is_flag=True,
                 help="Keep the version of every installed package, of CUDA and of the driver in each run's env.json."),
    click.option("--hook", "hooks", multiple=True, metavar="FILE.py|NAME",
                 help="Call a hook when runs start, are scored and end: `tensorboard`, or one of your own."),
)  # fmt: skip
KEPT_RUN = (
    click.option("--step", type=click.IntRange(min=1), metavar="MARK",
                 help="The step of a saved generator; the default is the last one."),
    click.option("--suite", type=click.Path(path_type=Path), metavar="FILE",
                 help="The run's suite; needed if a component or the data of the run are your own."),
    click.option("--devices", default="cpu", show_default=True, metavar="auto|cpu|0", help="Device to compute on."),
    results,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SuiteOptions:
    """Which runs of a suite are meant, and what is changed in its file. `changes` are the values of `--set`."""

    only: tuple[str, ...] = ()
    seeds: int | None = None
    more_seeds: int | None = None
    changes: tuple[str, ...] = ()


def suite_options(command: F) -> F:
    """Add the options of `SuiteOptions` to a command."""
    return _with(SUITE, command)


def execution_options(command: F) -> F:
    """Add the options of `ExecutionOptions` to a command."""
    return _with(EXECUTION, command)


def kept_run_options(command: F) -> F:
    """Add the options of commands that read what a run kept."""
    return _with(KEPT_RUN, command)


def collected(kind: Callable[..., T]) -> Callable[[Callable[[T], Code]], Callable[..., Code]]:
    """Pass all arguments of a click command as one dataclass, whose fields have the names of the click parameters."""

    def decorate(command: Callable[[T], Code]) -> Callable[..., Code]:
        @wraps(command)
        def with_keywords(**arguments: Any) -> Code:
            return command(kind(**arguments))

        return with_keywords

    return decorate


def _with(options: tuple[Callable[[F], F], ...], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command
