"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

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
