"""`ganbench tune`: search the settings of each contender, then run the best ones on fresh seeds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ganbench.api.ctrl_c import INTERRUPTED_TEXT, interruptible
from ganbench.api.execution import ExecutionOptions, execution_of, packing_of
from ganbench.api.mirroring import followers_of
from ganbench.cli.exit_codes import DONE, FAILED, INTERRUPTED
from ganbench.cli.options import SuiteOptions, as_json, collected, execution_options, suite_options
from ganbench.cli.terminal import answer_either

if TYPE_CHECKING:
    from ganbench.runner.packing import Packing
    from ganbench.runner.run import FolderMirror, RunSummary
    from ganbench.tuning import SearchContext


@dataclass(frozen=True, kw_only=True)
class TuneOptions(SuiteOptions, ExecutionOptions):
    """What `ganbench tune` takes."""

    suite: Path
    metric: str | None
    trials: int
    search: tuple[str, ...]
    sampler: Literal["random", "tpe"]
    as_json: bool


@click.command()
@click.argument("suite", type=click.Path(path_type=Path))
@click.option("--metric", metavar="NAME", help="Metric to optimize; the default is the suite's first metric.")
@click.option("--trials", type=click.IntRange(min=1), default=16, show_default=True, help="Trials of each contender.")
@click.option("--search", multiple=True, metavar="FIELD",
              help="Search only these fields: optimizer.lr, variant.gp_weight ...")  # fmt: skip
@click.option("--sampler", type=click.Choice(["random", "tpe"]), default="random", show_default=True,
              help="Only random search gives the expected best of fewer trials.")  # fmt: skip
@suite_options
@execution_options
@as_json
@collected(TuneOptions)
def tune(options: TuneOptions) -> int:
    """Search settings with equally many trials for each contender. The best settings are then run on fresh seeds.

    A contender is a cell of the suite without the fields that are searched; `ganbench list` shows the range of each
    field. In every round, half of the trials stop after a quarter of their steps. The results go
    into a suite NAME-tuned, on the suite's own seeds. After a stop, run the same line again to continue.

    \b
    Examples:
      ganbench tune suites/stability.yaml --metric fd_classifier --trials 16 --only dataset=digits
      ganbench tune suites/stability.yaml --search optimizer.lr --search optimizer.beta1
    """
    from ganbench import tuning
    from ganbench.api.progress import progress_display
    from ganbench.cli.request import load
    from ganbench.results.store import Store
    from ganbench.runner import devices
    from ganbench.runner import run as runner

    suite, display = load(options.suite, options), progress_display()
    execution, store = execution_of(suite, options), Store(options.results.resolve()).open()
    budget = tuning.budget(suite, options.metric, options.trials, options.search, options.sampler)
    runner.check_ready(suite, execution.settings)
    followers = followers_of(options, execution.executor, display.say)
    contenders = len(tuning.contenders(suite, budget))
    display.say(f"{suite.name}: {contenders} contenders, {budget.trials} trials each, "
                f"by {budget.metric}; {devices.headline(execution.devices)}")  # fmt: skip
    try:
        with interruptible(display) as listener, execution.kept(contenders * budget.trials) as kept:
            context = tuning.SearchContext(suite, store, kept, listener, budget)
            body, summary = _search(context, packing_of(execution, options.pack), followers)
    except KeyboardInterrupt:
        display.say(INTERRUPTED_TEXT)
        return INTERRUPTED
    finally:
        display.close()
    answer_either(body, tuning.lines(body), options.as_json)
    display.say(f"`ganbench report {body['suite']}` prints the tables of the chosen settings on fresh seeds")
    return FAILED if summary is None or summary.failed else DONE


def _search(
    context: SearchContext, packing: Packing, followers: FolderMirror
) -> tuple[dict[str, Any], RunSummary | None]:
    """Search, keep the record of it, and run the best settings, if there are any."""
    from ganbench import tuning
    from ganbench.results.files import write_signed_json
    from ganbench.results.names import path_in
    from ganbench.runner import plan
    from ganbench.runner import run as runner

    store = context.store
    tuned = tuning.tune(context, store.root / "tune")
    best = tuning.report_suite(context.suite, context.budget, tuned)
    body = tuning.record(best.name, context.budget, tuned)
    write_signed_json(path_in(store.root / "tune", best.name, ".json"), body)
    if not best.specs:
        return body, None
    return body, runner.run(plan.make(best, store, packing), context.execution, context.listener, followers)
