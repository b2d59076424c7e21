"""From what was typed to what the parts take: a suite, and where it is to run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.datasets.parts.files import data_root
from ganbench.errors import RequestError
from ganbench.executors.base import Executor, Site
from ganbench.runner import devices

if TYPE_CHECKING:
    from ganbench.results.store import Store


def load(path: Path, options: Mapping[str, Any]) -> Any:
    """The suite of a file, with the changes that the command line asks for."""
    from ganbench import suite

    changes = suite.Changes(tuple(options.get("only", ())), options.get("seeds"), tuple(options.get("set_", ())))
    return suite.load(path, changes, data_root=data_root())


def suite_name(store: Store, typed: str | None) -> str:
    """The suite with results that is meant: by its name, by its file, or the only one there. Raises `RequestError`."""
    from ganbench.plugins import guess
    from ganbench.report import only_suite

    if typed is None:
        return only_suite(store)
    known, is_file = store.suites(), typed.endswith((".yaml", ".yml"))
    name = Path(typed).stem if is_file else typed
    if name in known:
        return name
    is_folder = Path(typed).is_dir()
    if is_folder or ("/" in typed and not is_file):
        given = "a results folder is no suite" if is_folder else "there is no such results folder"
        raise RequestError(typed, given, "allowed: a suite's name or file", "one folder is given by --results")
    raise RequestError(
        str(store.root / "suites"),
        f"no suite {name!r} has run here",
        f"{guess(name, known)} known: {', '.join(known) or 'none'}".strip(),
        f"run it first: ganbench run {typed if is_file else 'FILE'}",
    )


def request_of(suite: Any, options: Mapping[str, Any]) -> Any:
    """How and where to run a suite."""
    from ganbench.runner.run import Request

    inception = os.environ.get("GANBENCH_INCEPTION")
    site = Site(
        results=options["results"].resolve(),
        data=data_root(),
        plugins=tuple(path.resolve() for path in suite.plugins),
        devices=devices.resolve(options["devices"], options["workers"], options["per_gpu"]),
        inception=Path(inception) if inception else None,
        save_every=options["save_every"],
    )
    return Request(
        site, _executor(options["executor"]), options["tracking_uri"], options["retry_failed"], options["pack"]
    )


def _executor(name: str) -> Callable[[Site], Executor]:
    from ganbench.executors.inline import Inline
    from ganbench.executors.local import Local

    return Inline if name == "inline" else Local


def print_excluded(suite: Any) -> None:
    """On stderr, what a suite leaves out and why."""
    for item in suite.excluded:
        click.echo(f"excluded {item.spec.run_id()}: {item.because}", err=True)
    for skip in suite.evaluation.skipped:
        click.echo(f"not evaluated on {skip.dataset}: {skip.evaluator}: {skip.because}", err=True)
