"""`ganbench export`: write a run's generator as a program of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from ganbench.cli.completion import run_ids
from ganbench.cli.options import as_json, collected, kept_run_options
from ganbench.cli.terminal import answer_files


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What `ganbench export` takes."""

    run_id: str
    step: int | None
    out: Path
    suite: Path | None
    devices: str
    results: Path
    as_json: bool


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=run_ids)
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.pt2|FILE.onnx",
              help="torch.export's format, or ONNX.")  # fmt: skip
@kept_run_options
@as_json
@collected(ExportOptions)
def export(options: ExportOptions) -> None:
    """Write the generator of a run as a program without ganbench. A README beside it says how to feed it.

    RUN is a run id, its hash, or the beginning of either that fits only one run.

    \b
    Examples:
      ganbench export lsgan-digits-bn0-adam-s0 --out generator.pt2
      ganbench export lsgan-digits-bn0-adam-s0 --step 500 --out generator.onnx
    """
    from ganbench.api.runs import open_saved
    from ganbench.cli.request import writing
    from ganbench.samples.exporting import export_generator

    run = open_saved(options.results, options.run_id, options.suite, options.devices)
    with writing("--out", options.out):
        readme = export_generator(run, options.out, options.step)
    answer_files([options.out, readme], options.as_json)
