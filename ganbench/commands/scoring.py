"""What the commands about numbers do: they call the parts and print their answers."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.exit_codes import DONE, FAILED
from ganbench.datasets.parts.files import data_root
from ganbench.errors import RequestError
from ganbench.runner import devices

if TYPE_CHECKING:
    from ganbench.parity import Result

PAIRS = 32  # generated samples in a picture, each beside its neighbour


def evaluate(generated: str, options: Mapping[str, Any]) -> None:
    """`ganbench evaluate`. Raises `RequestError` when nothing at all can be scored."""
    from ganbench.cli.progress import counted
    from ganbench.features.bank import Bank
    from ganbench.plugins import Registry
    from ganbench.samples import available, body, choose, fitting, read_sides, score, steps, table

    registry = Registry.of(options["plugins"])
    inception = os.environ.get("GANBENCH_INCEPTION")
    sides = read_sides(generated, options["reference"], options["validation"], data_root())
    for note in sides.notes:
        _say(note)
    cache = _writable(options["results"].resolve() / "cache")
    device = devices.resolve(options["devices"], 1)[0]
    bank = Bank(cache, device, Path(inception) if inception else None, log=_say)
    features, lacking = available(sides.real.space, bank, options["features"])
    evaluators, unfit = fitting(sides, choose(options["with_"], features, registry))
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


def parity(slow: bool, as_json: bool) -> int:
    """`ganbench parity`: 0 when every case agrees, else 1."""
    from ganbench import parity as cases
    from ganbench.cli.progress import counted

    chosen = [case for case in cases.CASES if slow or not case.slow]
    results = []
    with tempfile.TemporaryDirectory() as folder, counted(len(chosen)) as step:
        for case in chosen:
            step(case.name)
            results.append(cases.measure(case, Path(folder)))
    misses = sum(not result.agrees for result in results)
    click.echo(json.dumps({"cases": [_case(result) for result in results]}) if as_json else _compared(results))
    _say(f"{misses} of {len(results)} cases miss" if misses else f"all {len(results)} cases agree")
    return FAILED if misses else DONE


def cache_list(results: Path, as_json: bool) -> None:
    """`ganbench cache list`."""
    from ganbench.features.cache import kept

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
    from ganbench.features.cache import clear

    click.echo(f"{clear(results / 'cache')} files removed from {results / 'cache'}")


def _write(folder: Path, told: dict[str, Any], sides: Any) -> None:
    from ganbench.results import pictures
    from ganbench.results.store import write_bytes, write_json
    from ganbench.samples import pairs

    try:
        write_json(folder / "scores.json", told)
        write_bytes(folder / "pairs.png", pictures.pairs(*pairs(sides, PAIRS)))
    except OSError as error:
        raise RequestError(
            "--out", f"can't write to {folder}: {error.strerror}", todo="choose another folder"
        ) from None


def _case(result: Result) -> dict[str, Any]:
    case = result.case
    numbers = {"got": result.got, "difference": result.difference}
    finite = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    about = {"case": case.name, "metric": case.metric, "expected": case.expected, "tolerance": case.tolerance}
    return about | finite | {"agrees": result.agrees, "source": case.source}


def _compared(results: list[Result]) -> str:
    width = max(len(result.case.name) for result in results)
    lines = [f"{'case':<{width}}  {'expected':>12}  {'got':>12}  {'difference':>10}  {'tolerance':>9}"]
    for result in results:
        case, miss = result.case, "" if result.agrees else "  MISS"
        numbers = f"{case.expected:>12.9g}  {result.got:>12.9g}  {result.difference:>10.1e}  {case.tolerance:>9.1g}"
        lines.append(f"{case.name:<{width}}  {numbers}{miss}")
    return "\n".join(lines)


def _writable(cache: Path) -> Path:
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        todo = "choose another folder with --results"
        raise RequestError(str(cache), f"can't keep anything here: {error.strerror}", todo=todo) from None
    return cache


def _say(text: str) -> None:
    click.echo(text, err=True)
