"""`ganbench run`: train and score whatever is missing from one or more suites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.api.ctrl_c import INTERRUPTED_TEXT
from ganbench.api.execution import TrainingOptions
from ganbench.cli.exit_codes import DONE, FAILED, INTERRUPTED
from ganbench.cli.options import SuiteOptions, as_json, collected, execution_options, suite_options
from ganbench.cli.terminal import answer, answer_json

if TYPE_CHECKING:
    from ganbench.api.progress import Talk
    from ganbench.runner.plan import Plan
    from ganbench.suite import Suite


@dataclass(frozen=True, kw_only=True)
class RunOptions(SuiteOptions, TrainingOptions):
    """What `ganbench run` takes."""

    suites: tuple[Path, ...]
    dry_run: bool
    talk: Talk | None
    as_json: bool


@click.command()
@click.argument("suites", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SUITE...")
@suite_options
@execution_options
@click.option("--retry-failed", is_flag=True, help="Run failed runs again.")
@click.option(
    "--all-looks", is_flag=True, help="Run the seeds of every look, even of claims that are answered earlier."
)
@click.option("--detach", is_flag=True, help="Submit to Slurm and end; the same line without it follows the runs.")
@click.option("--log-models", is_flag=True, help="Log the generators to MLflow when the runs are over.")
@click.option("-n", "--dry-run", is_flag=True, help="Print what would run, and run nothing.")
@click.option("-q", "--quiet", "talk", flag_value="quiet", help="Print only what went wrong.")
@click.option("-v", "--verbose", "talk", flag_value="verbose", help="Also print when runs start and their steps.")
@as_json
@collected(RunOptions)
def run(options: RunOptions) -> int:
    """Run every unfinished run of one or more suites. After a stop, run the same line again to continue.

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
    from ganbench.api.progress import progress_display
    from ganbench.api.training import run_suite, stages
    from ganbench.cli.request import load
    from ganbench.executors.base import Detached

    display, summaries = progress_display(options.talk), []
    for suite in [load(path, options) for path in options.suites]:
        if options.dry_run:
            plans = [stage.plan for stage in stages(suite, options, display, dry_run=True)]
            _print_plans(suite, plans, options.as_json)
            continue
        try:
            summaries.append(run_suite(suite, options, display))
        except KeyboardInterrupt:
            display.say(INTERRUPTED_TEXT)
            return INTERRUPTED
        except Detached as detached:
            display.say(f"{suite.name}: {detached}")
            continue
    if options.as_json:
        for summary in summaries:
            answer_json(asdict(summary))
    return FAILED if any(summary.failed for summary in summaries) else DONE


def _print_plans(suite: Suite, plans: Sequence[Plan], as_json: bool) -> None:
    """Print the ids of the runs to do on stdout, and what is left out and why on stderr."""
    from ganbench.cli.request import left_out, print_excluded

    run_ids = [run_id for plan in plans for job in plan.jobs for run_id in job.run_ids]
    if as_json:
        answer_json({"suite": suite.name, "to_do": run_ids, **left_out(suite)})
    else:
        for run_id in run_ids:
            answer(run_id)
    for plan in plans:
        print_excluded(plan.suite)
