"""Running suites and searches, and what belongs to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from ganbench.cli.exit_codes import DONE, FAILED, INTERRUPTED
from ganbench.cli.request import load, print_excluded, request_of, suite_name
from ganbench.datasets.parts.files import data_root
from ganbench.errors import RequestError
from ganbench.runner import devices


def run(suites: tuple[Path, ...], options: Mapping[str, Any]) -> int:
    """`ganbench run`: 0 when every run is done or diverged, 1 when some failed, 130 when interrupted."""
    from ganbench.cli.progress import talk
    from ganbench.runner import run as running

    code, summaries = DONE, []
    loaded = [(load(path, options), load(path, {**options, "only": ()})) for path in suites]
    for suite, whole in loaded:
        request = request_of(suite, options)
        speaker = talk()
        todo = running.preview(suite, request)
        speaker.say(todo.headline(devices.headline(request.site.devices)))
        if options["dry_run"]:
            _preview(todo)
            continue
        try:
            summary = running.run(suite, whole, request, speaker)
        except KeyboardInterrupt:
            speaker.say("interrupted; what was done is kept. Type the same line again to go on.")
            return INTERRUPTED
        summaries.append(summary)
        code = FAILED if summary.failed else code
        speaker.say(f"{suite.name}: {summary.done} done, {summary.diverged} diverged, {summary.failed} failed "
                    f"in {summary.seconds:.0f} s; `ganbench report {suite.name}` prints the tables")  # fmt: skip
    if options["as_json"] and not options["dry_run"]:
        for summary in summaries:
            click.echo(json.dumps(asdict(summary)))
    return code


def tune(path: Path, options: Mapping[str, Any]) -> int:
    """`ganbench tune`: search, then run the chosen settings on the suite's own seeds as the suite `NAME-tuned`."""

    from ganbench import tuning
    from ganbench.cli.progress import talk
    from ganbench.results.store import Store, write_json
    from ganbench.runner import run as running

    suite, speaker = load(path, options), talk()
    request, store = request_of(suite, options), Store(options["results"].resolve()).open()
    budget = tuning.budget(suite, options["metric"], options["trials"], options["search"], options["sampler"])
    running.check_ready(suite, request.site)
    desk = tuning.Desk(suite, store, partial(request.executor, request.site), speaker, budget)
    speaker.say(f"{suite.name}: {len(tuning.contenders(suite, budget))} contenders, {budget.trials} trials each, "
                f"by {budget.metric}; {devices.headline(request.site.devices)}")  # fmt: skip
    try:
        tuned = tuning.tune(desk, store.root / "tune")
        best = tuning.report_suite(suite, budget, tuned)
        body = tuning.record(best.name, budget, tuned)
        write_json(store.root / "tune" / f"{best.name}.json", body)
        summary = running.run(best, best, request, speaker) if best.specs else None
    except KeyboardInterrupt:
        speaker.say("interrupted; what was done is kept. Type the same line again to go on.")
        return INTERRUPTED
    finally:
        speaker.close()
    click.echo(json.dumps(body) if options["as_json"] else tuning.lines(body))
    speaker.say(f"`ganbench report {best.name}` prints the tables of the chosen settings on fresh seeds")
    return FAILED if summary is None or summary.failed else DONE


def check(suites: tuple[Path, ...], options: Mapping[str, Any]) -> None:
    """`ganbench check`: raises `SuiteError` with every mistake of the first suite that has any."""
    for path in suites:
        suite = load(path, options)
        click.echo(f"{path}: {len(suite.specs)} runs, {len(suite.excluded)} excluded")
        print_excluded(suite)


def watch(results: Path, suite: str | None, once: bool) -> None:
    """`ganbench watch`."""
    from ganbench.results.snapshot import watch as look_on
    from ganbench.results.store import Store

    store = Store(results)
    look_on(store, suite_name(store, suite), once)


def sync(results: Path, suites: tuple[str, ...], tracking_uri: str | None) -> None:
    """`ganbench sync`."""
    from ganbench import tracking
    from ganbench.results.store import Store

    store = Store(results)
    uri = tracking.resolve(tracking_uri, results)
    if uri is None:
        raise RequestError("--tracking-uri", "none is not a place to mirror to", "allowed: an MLflow tracking URI")
    meant = [suite_name(store, typed) for typed in suites] or None
    synced = tracking.sync(store, uri, meant, lambda text: click.echo(text, err=True))
    click.echo(f"{synced.runs} runs in {uri}: {synced.metrics_added} metric values added")


def fetch(dataset: str, root: Path | None) -> None:
    """`ganbench fetch`."""
    from ganbench.datasets.base import Downloadable
    from ganbench.plugins import Registry

    folder = root or data_root()
    if folder is None:
        raise RequestError("ganbench fetch", "no data folder", "set GANBENCH_DATA or give --root", "then type it again")
    component = Registry.of().find("dataset", dataset)()
    if not isinstance(component, Downloadable):
        raise RequestError(f"dataset {dataset}", "there is nothing to download", "it is embedded or your own files")
    component.fetch(folder)
    click.echo(str(folder))


def _preview(todo: Any) -> None:
    """A dry run: the ids that would run on stdout, what is left out and why on stderr."""
    for job in todo.jobs:
        for run_id in job.run_ids:
            click.echo(run_id)
    print_excluded(todo.suite)
