"""From what the user typed to what the package takes: a suite, and its name. Several commands need this."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench.cli.terminal import note
from ganbench.datasets.parts.files import data_root
from ganbench.errors import RequestError

if TYPE_CHECKING:
    from ganbench.cli.options import SuiteOptions
    from ganbench.results.store import Store
    from ganbench.suite import Suite

DAMAGE_SHOWN = 10  # sentences


def load(path: Path, options: SuiteOptions) -> Suite:
    """Load a suite file with the changes that the command line asks for, and say which seeds these take.

    Raises `RequestError`.
    """
    from ganbench import suite

    if options.seeds is not None and options.more_seeds is not None:
        given = "--seeds replaces the suite's seeds and --more-seeds adds to them"
        raise RequestError("--seeds, --more-seeds", given, todo="give one of them")
    changes = suite.Changes(options.only, options.seeds, options.changes, options.more_seeds)
    loaded = suite.load(path, changes, data_root=data_root())
    if loaded.note:
        note(f"{loaded.name}: {loaded.note}")
    return loaded


@contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """What writes to the path that an option names. Raises `RequestError` where the disk is full or read-only."""
    try:
        yield
    except OSError as error:
        given = f"can't write {error.filename or path}: {error.strerror or error}"  # a full disk names no file
        raise RequestError(option, given, todo="free space or choose another path") from None


def suite_name(store: Store, typed: str | None) -> str:
    """The name of a suite with results, from its name or its file; None means the only suite in the store.

    Raises `RequestError` when there is no such suite.
    """
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
        given = "this is a results folder, not a suite" if is_folder else "there is no such results folder"
        raise RequestError(typed, given, "allowed: a suite's name or file", "give a results folder with --results")
    raise RequestError(
        str(store.root / "suites"),
        f"no suite {name!r} has run here",
        f"{guess(name, known)} known: {', '.join(known) or 'none'}".strip(),
        f"run it first: ganbench run {typed if is_file else 'FILE'}",
    )


def print_damage(damage: Sequence[str]) -> None:
    """Print on stderr what is damaged and what to do: a sentence for each run, and a number where there are many."""
    for sentence in damage[:DAMAGE_SHOWN]:
        note(sentence)
    if len(damage) > DAMAGE_SHOWN:
        note(f"{len(damage) - DAMAGE_SHOWN} more runs are damaged; `ganbench run` trains them again")


def left_out(suite: Suite) -> dict[str, list[dict[str, str]]]:
    """What a suite leaves out and why, as JSON values: `excluded` runs and evaluators `not_evaluated`."""
    excluded = [{"run_id": run.spec.run_id(), "because": run.because} for run in suite.excluded]
    return {"excluded": excluded, "not_evaluated": [asdict(skip) for skip in suite.evaluation.skipped]}


def print_excluded(suite: Suite) -> None:
    """Print on stderr what a suite leaves out and why."""
    for excluded in suite.excluded:
        note(f"excluded {excluded.spec.run_id()}: {excluded.because}")
    for skip in suite.evaluation.skipped:
        note(f"not evaluated on {skip.dataset}: {skip.evaluator}: {skip.because}")
