"""`ganbench archive`: write a suite's results into one file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ganbench.cli.completion import suite_names
from ganbench.cli.exit_codes import DONE, FAILED
from ganbench.cli.options import as_json, results
from ganbench.cli.terminal import answer_either
from ganbench.errors import RequestError


@click.command()
@click.argument("suite", shell_complete=suite_names)
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE.zip", help="The file to write.")
@click.option("--checkpoints", is_flag=True, help="Include the trained generators and the states of unfinished runs.")
@results
@as_json
def archive(suite: str, out: Path, checkpoints: bool, results: Path, as_json: bool) -> int:
    """Write a suite's results into one zip file to publish or send. It holds the manifest and the files of the runs.

    `ganbench report FILE.zip` reads it, and so does every zip program. Equal results give equal bytes. Damaged runs and
    runs in progress are left out and named, and the exit code is 1.

    \b
    Examples:
      ganbench archive stability --out stability.zip
      ganbench archive stability --out stability.zip --checkpoints
      ganbench report stability.zip
    """
    from ganbench.cli.request import print_damage, suite_name, writing
    from ganbench.results.archive import write_archive
    from ganbench.results.store import Store

    if out.suffix.lower() != ".zip":
        raise RequestError("--out", f"{str(out)!r} does not end with .zip", todo=f"write {out}.zip")
    store = Store(results)
    with writing("--out", out):
        archived = write_archive(store, suite_name(store, suite), out, checkpoints)
    print_damage(archived.left_out)
    size = out.stat().st_size
    text = f"{out}: {archived.runs} runs, {archived.files} files, {size / 2**20:.2f} MiB"
    answer_either({"out": str(out), "bytes": size, **asdict(archived)}, text, as_json)
    return FAILED if archived.left_out else DONE
