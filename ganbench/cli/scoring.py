"""The commands about numbers: score samples, tell whether this installation measures as it should, keep the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

results = click.option(
    "--results", default="results", show_default=True, type=click.Path(path_type=Path),
    help="Folder whose `cache` keeps what was computed of real samples.",
)  # fmt: skip
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")


@click.command()
@click.argument("generated")
@click.option("--reference", required=True, metavar="REF", help="The real samples to compare with.")
@click.option("--validation", metavar="VAL", help="Further real samples, by which parzen chooses its width.")
@click.option(
    "--with",
    "with_",
    metavar="NAME[,NAME]",
    help="Evaluators, also with options: 'fid,{kind: parzen, start: -2}'; by default all that fit.",
)
@click.option("--plugin", "plugins", multiple=True, type=click.Path(path_type=Path), help="A file with your evaluator.")
@click.option("--features", metavar="F[,F]", help="pixels, classifier, inception ...; by default all that can be had.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of what scores draw at random.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write scores.json and pairs.png, generated samples beside the nearest real ones.",
)
@click.option("--fingerprints", is_flag=True, help="Print how each number was made.")
@click.option("--devices", default="auto", show_default=True, metavar="auto|cpu|0", help="Where to compute.")
@results
@as_json
def evaluate(generated: str, **options: Any) -> None:
    """Score any generated samples against any reference.

    GENERATED, REF and VAL are a .npy or .npz file, a folder or zip archive of images, or dataset:NAME[:SPLIT].
    uint8 is images in 0..255, (N, H, W) or (N, H, W, C); floating-point numbers of two dimensions are points or
    features, taken as they are.

    \b
    Examples:
      ganbench evaluate samples/ --reference dataset:cifar10
      ganbench evaluate mine.npy --reference real.npz --validation held_out.npy --with parzen,fid --features pixels
      ganbench evaluate samples.zip --reference photos/ --out scored --json
    """
    from ganbench.commands import scoring

    scoring.evaluate(generated, options)


@click.group()
def cache() -> None:
    """What was computed of real samples and is kept: features, statistics, classifiers."""


@cache.command("list")
@results
@as_json
def list_(results: Path, as_json: bool) -> None:
    """List the cache's files with their sizes; damaged ones are marked, and made again when they are asked for.

    \b
    Example:
      ganbench cache list
    """
    from ganbench.commands import scoring

    scoring.cache_list(results, as_json)


@cache.command()
@results
def clear(results: Path) -> None:
    """Remove the cache's files. What is asked for again is computed again.

    \b
    Example:
      ganbench cache clear
    """
    from ganbench.commands import scoring

    scoring.cache_clear(results)


@click.command()
@click.option("--slow", is_flag=True, help="Also the cases that take minutes and a gigabyte of memory.")
@as_json
def parity(slow: bool, as_json: bool) -> int:
    """Recompute reference cases, closed forms and published values, and print expected, got and difference.

    Exits with 1 when one misses: then this installation's numbers are not comparable with others'.

    \b
    Example:
      ganbench parity
    """
    from ganbench.commands import scoring

    return scoring.parity(slow, as_json)
