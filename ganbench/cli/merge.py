"""`ganbench merge`: join results folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.exit_codes import DONE, FAILED, WRONG
from ganbench.cli.options import as_json, collected
from ganbench.cli.terminal import answer_either, note
from ganbench.errors import RequestError

if TYPE_CHECKING:
    from ganbench.results.merge import MergePlan, Source
    from ganbench.results.store import Store

SHOWN = 20  # conflicts


@dataclass(frozen=True, kw_only=True)
class MergeOptions:
    """What `ganbench merge` takes."""

    folders: tuple[Path, ...]
    into: Path
    prefer: Path | None
    tracking_uri: str | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class MergeSummary:
    """What `ganbench merge --json` prints. `runs`: in the merged folder; `copied`: of them, those that were not there.

    `left_out`: a sentence for each damaged file and each run in progress.
    """

    into: str
    suites: tuple[str, ...]
    runs: int
    copied: int
    left_out: tuple[str, ...]


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
@click.option("--into", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
              help="The merged results folder: a new one, or one with results, which are kept.")  # fmt: skip
@click.option("--prefer", type=click.Path(path_type=Path), metavar="FOLDER",
              help="The folder whose runs and rules count where folders contradict each other.")  # fmt: skip
@click.option("--tracking-uri", metavar="URI|none",
              help="MLflow store; the default is MLFLOW_TRACKING_URI or mlflow.db in the merged folder.")  # fmt: skip
@as_json
@collected(MergeOptions)
def merge(options: MergeOptions) -> int:
    """Join results folders into one.

    Of a run that is in several folders one copy is kept, the complete one. Complete copies with different values, such
    as those of two machines, are a conflict: each is named, the exit code is 2, and nothing is written. With --prefer
    the copy of that folder is kept. Damaged runs and runs in progress are left out and named, and the exit code is 1.
    The folders are not changed, and the same line again completes a merge that was interrupted.

    \b
    Examples:
      ganbench merge desktop/results laptop/results --into merged
      ganbench merge from-cluster --into results
      ganbench merge desktop/results laptop/results --into merged --prefer desktop/results
    """
    from ganbench import tracking
    from ganbench.results.merge import plan_merge
    from ganbench.results.store import Store

    uri = tracking.resolve(options.tracking_uri, options.into)
    sources = _sources(options)
    plan = plan_merge(sources, Store(options.into), _preferred(options, sources))
    if plan.conflicts:
        return _refuse(plan)
    copied = len(plan.to_copy)
    failures = _carried_out(plan)
    summary = MergeSummary(
        into=str(options.into),
        suites=tuple(manifest.suite for manifest in plan.manifests),
        runs=len(plan.chosen) - len(failures),
        copied=copied - len(failures),
        left_out=(*plan.left_out, *failures),
    )
    for sentence in summary.left_out:
        note(sentence)
    if uri and summary.suites:
        _mirror(Store(options.into), uri, summary.suites)
    answer_either(asdict(summary), _sentence(summary), options.as_json)
    return FAILED if summary.left_out else DONE


def _sources(options: MergeOptions) -> list[Source]:
    from ganbench.results.merge import Source
    from ganbench.results.store import Store

    return [Source(str(folder), Store(folder)) for folder in options.folders]


def _preferred(options: MergeOptions, sources: Sequence[Source]) -> str | None:
    """The preferred folder as the merge knows it. Raises `RequestError` for one that is not merged."""
    if options.prefer is None:
        return None
    places = {source.store.root.resolve(): source.typed for source in reversed(sources)}
    places.setdefault(options.into.resolve(), str(options.into))
    if options.prefer.resolve() not in places:
        known = f"allowed: {', '.join(places.values())}"
        raise RequestError("--prefer", f"{str(options.prefer)!r} is not one of the folders", known, "name one of them")
    return places[options.prefer.resolve()]


def _refuse(plan: MergePlan) -> int:
    """Print the conflicts and what to do."""
    for sentence in plan.conflicts[:SHOWN]:
        note(sentence)
    if len(plan.conflicts) > SHOWN:
        note(f"and {len(plan.conflicts) - SHOWN} more")
    count = f"{len(plan.conflicts)} conflict{'s' if len(plan.conflicts) > 1 else ''}"
    allowed = "runs on two machines may differ in their last digits, and one copy of each can be kept"
    error = RequestError("ganbench merge", f"{count}; nothing was written", allowed, "choose it with --prefer FOLDER")
    note(str(error))
    return WRONG


def _carried_out(plan: MergePlan) -> tuple[str, ...]:
    """Carry out the merge; a sentence for each run that could not be copied. Raises `RequestError`."""
    from ganbench.results.merge import carry_out

    try:
        return carry_out(plan)
    except RequestError as error:
        raise RequestError(error.where, error.given, todo="choose another folder with --into") from None


def _mirror(store: Store, uri: str, suites: Sequence[str]) -> None:
    """Mirror the merged folder to MLflow. A store that fails doesn't fail the merge."""
    from ganbench import tracking

    try:
        tracking.sync(store, uri, list(suites), note)
    except RequestError as error:
        note(str(error))


def _sentence(summary: MergeSummary) -> str:
    suites = ", ".join(summary.suites) or "no suite"
    return f"{summary.into}: {summary.runs} runs of {suites}, {summary.copied} of them copied"
