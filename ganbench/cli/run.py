"""`ganbench run`: train and score whatever is missing from one or more suites."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cli.ctrl_c import interruptible
from ganbench.cli.exit_codes import DONE, FAILED, INTERRUPTED, INTERRUPTED_TEXT
from ganbench.cli.options import ExecutionOptions, SuiteOptions, as_json, collected, execution_options, suite_options
from ganbench.cli.terminal import answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganbench.runner.events import Listener
    from ganbench.runner.plan import Plan
    from ganbench.runner.run import RunSummary
    from ganbench.suite import Suite


@dataclass(frozen=True, kw_only=True)
class RunOptions(SuiteOptions, ExecutionOptions):
    """What `ganbench run` takes."""

    suites: tuple[Path, ...]
    retry_failed: bool
    all_looks: bool
    dry_run: bool
    as_json: bool


@click.command()
@click.argument("suites", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SUITE...")
@suite_options
@execution_options
@click.option("--retry-failed", is_flag=True, help="Run failed runs again.")
@click.option("--all-looks", is_flag=True, help="Run the seeds of every look, whatever the claims' answers are.")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would run, and run nothing.")
@as_json
@collected(RunOptions)
def run(options: RunOptions) -> int:
    """Run whatever is missing from one or more suites. After a stop, run the same line again to continue.

    A suite with `looks` runs in stages: the claims are tested after each, and the next one has only the runs that open
    claims need.

    The exit code is 0 when every run is done or diverged, 1 when some run failed, and 130 after Ctrl-C.

    \b
    Examples:
      ganbench run suites/stability.yaml
      ganbench run suites/quick.yaml --only variant=ns,lsgan --only dataset=ring8 --seeds 2
      ganbench run suites/stability.yaml --set train.steps=500 --set evaluate.samples=200
      ganbench run suites/stability-mnist.yaml --devices 0,1 --per-gpu 4 --pack 5
    """
    from ganbench.cli.progress import progress_display
    from ganbench.cli.request import load
    from ganbench.runner import run as runner

    display, summaries = progress_display(), []
    for suite in [load(path, options) for path in options.suites]:
        _say_answerable(suite, display)
        try:
            stages = [_run_stage(*stage, options, display) for stage in _stages(suite, options, display)]
        except KeyboardInterrupt:
            display.say(INTERRUPTED_TEXT)
            return INTERRUPTED
        done = [summary for summary in stages if summary is not None]
        if done:
            summaries.append(runner.joined(done))
    if options.as_json:
        for summary in summaries:
            answer(json.dumps(asdict(summary)))
    return FAILED if any(summary.failed for summary in summaries) else DONE


def _say_answerable(suite: Suite, display: Listener) -> None:
    """Say in one line how many claims the runs can answer at all."""
    if not suite.questions.claims:
        return
    from ganbench.report.model.power_table import answerable_text

    display.say(f"{suite.name}: {answerable_text(suite.planned)}; "
                f"`ganbench check --power {suite.path}` says which effects they can show")  # fmt: skip


def _stages(suite: Suite, options: RunOptions, display: Listener) -> Iterator[tuple[Suite, str]]:
    """The part of a suite for each look, with its name, when the look before is over. A dry run ends where it is not.

    Without looks, and with `--all-looks`, the whole suite is a single stage.
    """
    if not suite.looks or options.all_looks:
        yield suite, ""
        return
    from ganbench.report.analysis.looks import needed_runs
    from ganbench.results.store import Store

    store = Store(options.results)
    first, *later = suite.by_look
    yield replace(suite.part(first), excluded=suite.excluded), _look_name(suite, 0)
    for look, specs in enumerate(later, 1):
        if options.dry_run and suite.name not in store.suites():
            display.say(f"{suite.name}, {_look_name(suite, look)}: up to {len(specs)} runs, for claims that are open")
            continue
        needed = needed_runs(store, suite.name, look)
        wanted = [spec for spec in specs if spec.run_id() in needed]
        display.say(f"{suite.name}, {_look_name(suite, look)}: open claims need {len(wanted)} "
                    f"of {len(specs)} runs")  # fmt: skip
        if wanted:
            yield suite.part(wanted), _look_name(suite, look)


def _look_name(suite: Suite, look: int) -> str:
    return f"look {look + 1} of {len(suite.looks)}, {suite.looks[look]} seeds"


def _run_stage(suite: Suite, name: str, options: RunOptions, display: Listener) -> RunSummary | None:
    """Run what is missing from a suite or from one of its looks; None for a dry run.

    Raises `KeyboardInterrupt` after the workers have ended.
    """
    from ganbench.cli.request import execution_of, mirror_of, packing_of
    from ganbench.results.store import Store
    from ganbench.runner import devices, plan
    from ganbench.runner import run as runner

    execution = execution_of(suite, options)
    store = Store(execution.settings.results)
    todo = plan.make(suite, store, packing_of(execution, options.pack), options.retry_failed)
    display.say((f"{name}: " if name else "") + todo.headline(devices.headline(execution.devices)))
    if options.pack and any(len(job.trained) > options.pack for job in todo.jobs):
        display.say(f"--pack {options.pack} is for runs that are planned now; others keep the pack that was planned "
                    "for them before")  # fmt: skip
    if options.dry_run:
        _print_plan(todo)
        return None
    mirror = mirror_of(store, options.tracking_uri, display.say)
    with interruptible(display) as listener:
        summary = runner.run(todo, execution, listener, mirror)
    display.say(f"{suite.name}: {summary.done} done, {summary.diverged} diverged, {summary.failed} failed "
                f"in {summary.seconds:.0f} s; `ganbench report {suite.name}` prints the tables")  # fmt: skip
    return summary


def _print_plan(plan: Plan) -> None:
    """Print the ids of the runs to do on stdout, and what is left out and why on stderr."""
    from ganbench.cli.request import print_excluded

    for job in plan.jobs:
        for run_id in job.run_ids:
            answer(run_id)
    print_excluded(plan.suite)
