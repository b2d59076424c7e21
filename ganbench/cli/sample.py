"""`ganbench sample`: draw samples from a run's generator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from ganbench.cli.completion import run_ids
from ganbench.cli.options import as_json, collected, kept_run_options
from ganbench.cli.terminal import answer_files
from ganbench.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """What `ganbench sample` takes."""

    run_id: str
    n: int
    seed: int | None
    labels: str | None
    step: int | None
    interpolate: int | None
    out: Path
    suite: Path | None
    devices: str
    results: Path
    as_json: bool


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=run_ids)
@click.option("-n", type=click.IntRange(min=1), default=64, show_default=True, help="Number of samples.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the latents; the default is the run's own.")
@click.option("--labels", metavar="K[,K]", help="Labels of a conditional generator, repeated; the default draws them"
              " from the training data.")  # fmt: skip
@click.option("--interpolate", type=click.IntRange(min=2), metavar="K",
              help="Make -n rows of K samples, each from one latent to another, on a sphere.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE.npz|FILE.png|FOLDER",
              help="Write an array, one picture, or a PNG for each image.")  # fmt: skip
@kept_run_options
@as_json
@collected(SampleOptions)
def sample(options: SampleOptions) -> None:
    """Draw samples from the generator of a run.

    RUN is a run id, its hash, or the beginning of either that fits only one run. Without --seed the samples are those
    that the run was scored on, if -n is the number that the suite scores. The weights are the moving average where the
    run has one. A .npz file holds uint8 images (n, h, w, c) or points (n, d) as `x`, and labels as `y`. A picture of
    points has a circle around each true mode, where the modes of the data are known.

    \b
    Examples:
      ganbench sample lsgan-digits-bn0-adam-s0 --out lsgan.png
      ganbench sample lsgan-digits-bn0-adam-s0 -n 10000 --seed 1 --step 500 --out lsgan.npz
      ganbench sample lsgan-digits-bn0-adam-s0 -n 8 --interpolate 12 --out path.png
    """
    from ganbench.api.runs import open_saved
    from ganbench.cli.request import writing
    from ganbench.samples.generators import SampleRequest
    from ganbench.samples.writing import write_samples

    run = open_saved(options.results, options.run_id, options.suite, options.devices)
    labels = None if options.labels is None else _labels(options.labels)
    samples = run.draw(SampleRequest(n=options.n, seed=options.seed, labels=labels, step=options.step,
                                     interpolate=options.interpolate))  # fmt: skip
    with writing("--out", options.out):
        write_samples(samples, options.out, options.interpolate, run.centres())
    answer_files([options.out], options.as_json)


def _labels(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise RequestError("--labels", repr(text), "whole numbers from 0 up, such as 0,1,2")
    return [int(word) for word in words]
