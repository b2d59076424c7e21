"""`ganbench fetch`: download a data set."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.completion import datasets
from ganbench.cli.options import as_json
from ganbench.cli.terminal import answer_either
from ganbench.errors import RequestError


@click.command()
@click.argument("dataset", shell_complete=datasets)
@click.option("--root", type=click.Path(path_type=Path), help="Data folder; the default is GANBENCH_DATA.")
@as_json
def fetch(dataset: str, root: Path | None, as_json: bool) -> None:
    """Download a data set into the data folder. No other command downloads data.

    \b
    Example:
      GANBENCH_DATA=~/data ganbench fetch mnist
    """
    from ganbench.datasets.base import Downloadable
    from ganbench.datasets.parts.files import data_root
    from ganbench.plugins import Registry

    folder = root or data_root()
    if folder is None:
        todo = "set GANBENCH_DATA or give --root, then run the same line again"
        raise RequestError("ganbench fetch", "there is no data folder", todo=todo)
    component = Registry.of().find("dataset", dataset)()
    if not isinstance(component, Downloadable):
        reason = "it comes with ganbench or is read from your own files"
        raise RequestError(f"dataset {dataset}", "there is nothing to download", reason)
    component.fetch(folder)
    answer_either({"folder": str(folder)}, str(folder), as_json)
