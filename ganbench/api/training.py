"""Training a suite: stage by stage, with its progress shown, until every run that is needed is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from ganbench.api.ctrl_c import INTERRUPTED_TEXT, interruptible
from ganbench.api.execution import TrainingOptions, execution_of, packing_of
from ganbench.api.lookup import specs_of
from ganbench.api.mirroring import followers_of, log_when_over
from ganbench.api.progress import progress_display
from ganbench.api.suites import changed, load_suite
from ganbench.executors.base import Detached
from ganbench.results.store import Store
from ganbench.runner import devices, plan
from ganbench.runner import run as runner
from ganbench.suite import Suite

if TYPE_CHECKING:
    from ganbench.api.results import SuiteResults
    from ganbench.runner.events import Listener
    from ganbench.runner.plan import Plan
    from ganbench.runner.run import Execution, RunSummary


class TrainingKeywords(TypedDict, total=False):
    """The keywords of `run`: the fields of `TrainingOptions` besides `results`."""

    executor: str
    on: tuple[str, ...]
    workers: int | None
    devices: str
    per_gpu: int | None
    pack: int | None
    save_every: float
    tracking_uri: str | None
    system_metrics: bool
    record_packages: bool
    hooks: tuple[str, ...]
    retry_failed: bool
    all_looks: bool
    detach: bool
    log_models: bool


def run(
    suite: Suite | Path | str,
    results: Path | str = "results",
    seeds: int | None = None,
    **options: Unpack[TrainingKeywords],
) -> SuiteResults:
    """Train and score whatever is missing from a suite, and return its results. The same as `ganbench run`.

    `suite`: a suite, or the path of its file. `results`: the folder of the results. `seeds`: use the seeds 0 to `seeds`
    - 1 in place of the suite's. It blocks and shows the progress, in a notebook too. Finished runs are not repeated.
    Ctrl-C, or a notebook's interrupt, lets the workers save their runs and then raises `KeyboardInterrupt`; the same
    call continues. With `detach` it returns at once, and the same call without it follows the runs. In a script, call
    it below `if __name__ == "__main__":`.

    Raises `RequestError` before anything runs when the results folder, data or weights are not available, and
    `SuiteError` for mistakes in a suite. A run that fails raises nothing: see the `status` in `runs()`.
    """
    from ganbench.api.results import SuiteResults  # it loads pandas, which the command does not need

    loaded = suite if isinstance(suite, Suite) else load_suite(suite)
    if seeds is not None:
        loaded = changed(loaded, seeds=seeds)
    chosen, display = TrainingOptions(results=Path(results).resolve(), **options), progress_display()
    try:
        run_suite(loaded, chosen, display)
    except Detached as detached:
        display.say(f"{loaded.name}: {detached}")
    except KeyboardInterrupt:
        display.say(INTERRUPTED_TEXT)
        raise
    return SuiteResults(Store(chosen.results), loaded.name, specs_of(loaded))


@dataclass(frozen=True)
class Stage:
    """The runs of a suite that are trained before its claims are tested again: those of one look, or all."""

    plan: Plan
    execution: Execution


def run_suite(suite: Suite, options: TrainingOptions, listener: Listener) -> RunSummary:
    """Run what is missing from a suite. Raises `KeyboardInterrupt` after the workers have ended."""
    return runner.joined([run_stage(stage, options, listener) for stage in stages(suite, options, listener)])


def run_stage(stage: Stage, options: TrainingOptions, listener: Listener) -> RunSummary:
    """Run what is missing from a stage. Raises `KeyboardInterrupt` after the workers have ended."""
    suite, followers = stage.plan.suite, followers_of(options, stage.execution.executor, listener.say)
    with interruptible(listener) as heeding:
        summary = runner.run(stage.plan, stage.execution, heeding, followers)
        log_when_over(suite, options, listener.say)
    listener.say(f"{suite.name}: {summary.done} done, {summary.diverged} diverged, {summary.failed} failed "
                 f"in {summary.seconds:.0f} s; `ganbench report {suite.name}` prints the tables")  # fmt: skip
    return summary


def stages(suite: Suite, options: TrainingOptions, listener: Listener, dry_run: bool = False) -> Iterator[Stage]:
    """The stages of a suite, each planned when the one before is over. A dry run ends where that is not so."""
    _say_answerable(suite, listener)
    for part, name in _parts(suite, options, listener, dry_run):
        execution = execution_of(part, options)
        if options.detach:
            execution = replace(execution, executor=execution.executor.detached())
        store = Store(execution.settings.results)
        todo = plan.make(part, store, packing_of(execution, options.pack), options.retry_failed)
        listener.say((f"{name}: " if name else "") + todo.headline(devices.headline(execution.devices)))
        if options.pack and any(len(job.trained) > options.pack for job in todo.jobs):
            listener.say(f"--pack {options.pack} is for runs that are planned now; others keep the pack that was "
                         "planned for them before")  # fmt: skip
        yield Stage(todo, execution)


def _say_answerable(suite: Suite, listener: Listener) -> None:
    """Say in one line how many claims the runs can answer at all."""
    if not suite.questions.claims:
        return
    from ganbench.report.model.power_table import answerable_text

    more = f"; `ganbench check --power {suite.path}` says which effects they can show" if suite.path.is_file() else ""
    listener.say(f"{suite.name}: {answerable_text(suite.planned)}{more}")


def _parts(suite: Suite, options: TrainingOptions, listener: Listener, dry_run: bool) -> Iterator[tuple[Suite, str]]:
    """The part of a suite for each look, with its name. Without looks, and with `all_looks`, the whole suite."""
    if not suite.looks or options.all_looks:
        yield suite, ""
        return
    from ganbench.report.analysis.looks import needed_runs

    store = Store(options.results)
    first, *later = suite.by_look
    yield replace(suite.part(first), excluded=suite.excluded), _look_name(suite, 0)
    for look, specs in enumerate(later, 1):
        if dry_run and suite.name not in store.suites():
            listener.say(f"{suite.name}, {_look_name(suite, look)}: up to {len(specs)} runs, for claims that are open")
            continue
        needed = needed_runs(store, suite.name, look)
        wanted = [spec for spec in specs if spec.run_id() in needed]
        listener.say(f"{suite.name}, {_look_name(suite, look)}: open claims need {len(wanted)} "
                     f"of {len(specs)} runs")  # fmt: skip
        if wanted:
            yield suite.part(wanted), _look_name(suite, look)


def _look_name(suite: Suite, look: int) -> str:
    return f"look {look + 1} of {len(suite.looks)}, {suite.looks[look]} seeds"
