"""What the commands about numbers do: they call the parts and print their answers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ganbench import devices
from ganbench.errors import RequestError

PAIRS = 32  # generated samples in a picture, each beside its neighbour


def evaluate(generated: str, options: Mapping[str, Any]) -> None:
    """`ganbench evaluate`. Raises `RequestError` when nothing at all can be scored."""
    from ganbench.evaluate import available, body, choose, fitting, read_sides, score, steps, table
    from ganbench.evaluators.features import Bank
    from ganbench.progress import counted

    data, inception = os.environ.get("GANBENCH_DATA"), os.environ.get("GANBENCH_INCEPTION")
    sides = read_sides(generated, options["reference"], options["validation"], Path(data).resolve() if data else None)
    for note in sides.notes:
        _say(note)
    cache = _writable(options["results"].resolve() / "cache")
    device = devices.resolve(options["devices"], 1)[0]
    bank = Bank(cache, device, Path(inception) if inception else None, log=_say)
    features, lacking = available(sides.real.space, bank, options["features"])
    evaluators, unfit = fitting(sides, choose(options["with_"], features))
    with counted(steps(evaluators)) as step:
        card = score(sides, evaluators, bank, options["seed"], step)
    absent = (*lacking, *unfit, *card.absent)
    if not card.lines:
        reasons = "; ".join(f"{one.name}: {one.because}" for one in absent)
        raise RequestError(generated, f"nothing can be scored: {reasons or 'no evaluator takes these features'}")
    told = body(card, absent)
    if options["out"] is not None:
        _write(options["out"], told, sides)
    click.echo(json.dumps(told) if options["as_json"] else table(card, absent, options["fingerprints"]))


def cache_list(results: Path, as_json: bool) -> None:
    """`ganbench cache list`."""
    from ganbench.evaluators._cache import kept

    files = [vars(one) | {"path": str(one.path)} for one in kept(results / "cache")]
    if as_json:
        click.echo(json.dumps({"files": files}))
        return
    for one in files:
        click.echo(f"{one['bytes'] / 2**20:9.2f} MiB  {one['path']}{'' if one['whole'] else '  damaged'}")
    damaged = sum(not one["whole"] for one in files)
    total = sum(one["bytes"] for one in files) / 2**20
    _say(f"{len(files)} files, {total:.2f} MiB, {damaged} damaged in {results / 'cache'}")


def cache_clear(results: Path) -> None:
    """`ganbench cache clear`."""
    from ganbench.evaluators._cache import clear

    click.echo(f"{clear(results / 'cache')} files removed from {results / 'cache'}")


def _write(folder: Path, told: dict[str, Any], sides: Any) -> None:
    from ganbench import pictures
    from ganbench.evaluate import pairs
    from ganbench.store import write_bytes, write_json

    try:
        write_json(folder / "scores.json", told)
        write_bytes(folder / "pairs.png", pictures.pairs(*pairs(sides, PAIRS)))
    except OSError as error:
        raise RequestError(
            "--out", f"can't write to {folder}: {error.strerror}", todo="choose another folder"
        ) from None


def _writable(cache: Path) -> Path:
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        todo = "choose another folder with --results"
        raise RequestError(str(cache), f"can't keep anything here: {error.strerror}", todo=todo) from None
    return cache


def _say(text: str) -> None:
    click.echo(text, err=True)
