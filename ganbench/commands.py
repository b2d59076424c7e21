"""What each command of the command line does: calls the parts and prints their answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click

from ganbench import devices
from ganbench.errors import RequestError
from ganbench.executors.base import Executor, Site

DONE, FAILED, INTERRUPTED = 0, 1, 130  # exit codes


def run(suites: tuple[Path, ...], options: Mapping[str, Any]) -> int:
    """`ganbench run`: 0 when every run is done or diverged, 1 when some failed, 130 when interrupted."""
    from ganbench import run as running
    from ganbench.progress import talk

    code, summaries = DONE, []
    loaded = [(_load(path, options), _load(path, {**options, "only": ()})) for path in suites]
    for suite, whole in loaded:
        request = _request(suite, options)
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

    from ganbench import run as running
    from ganbench import tuning
    from ganbench.progress import talk
    from ganbench.store import Store, write_json

    suite, speaker = _load(path, options), talk()
    request, store = _request(suite, options), Store(options["results"].resolve()).open()
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


def report(results: Path, suite: str | None, options: Mapping[str, Any]) -> None:
    """`ganbench report`."""
    from ganbench.report import publish, render
    from ganbench.store import Store

    store, rule, out = Store(results), options["rule"], options["out"]
    try:
        if options["publish"]:
            for path in publish(store, suite, rule, options["publish"]):
                click.echo(str(path))
            return
        text = render(store, suite, options["format_"], rule)
        if out is None:
            click.echo(text)
        else:
            out.write_text(text + "\n")
    except OSError as error:
        option = "--publish" if options["publish"] else "--out"
        raise RequestError(
            option, f"can't write {error.filename}: {error.strerror}", todo="choose another path"
        ) from None


def check(suites: tuple[Path, ...], options: Mapping[str, Any]) -> None:
    """`ganbench check`: raises `SuiteError` with every mistake of the first suite that has any."""
    for path in suites:
        suite = _load(path, options)
        click.echo(f"{path}: {len(suite.specs)} runs, {len(suite.excluded)} excluded")
        _print_excluded(suite)


def list_(family: str | None, plugins: tuple[Path, ...], as_json: bool) -> None:
    """`ganbench list`."""
    from ganbench.plugins import FAMILIES, Registry, hint

    folders = {name: kind for kind, folder in FAMILIES.items() for name in (kind, folder)}
    if family is not None and family not in folders:
        raise RequestError("ganbench list", f"there is no family {family!r}", hint(family, FAMILIES.values()))
    described = Registry.of(plugins).describe(*([folders[family]] if family else []))
    if as_json:
        click.echo(json.dumps(described))
        return
    for name, components in described.items():
        click.echo(f"{name}:")
        for component in components:
            options = ", ".join(map(_option, component["options"]))
            click.echo(f"  {component['name']:<18} {component['source']}\n  {'':<18} {options}")


def _option(option: Mapping[str, Any]) -> str:
    """`lr=0.0002 (searched 1e-05 to 0.01, log)`."""
    value = f"{option['name']}={option['default']}" if "default" in option else option["name"]
    return value + (f" (searched {option['search']})" if "search" in option else "")


def show(results: Path, run_id: str) -> None:
    """`ganbench show`."""
    from ganbench.report.show import show as text
    from ganbench.store import Store

    click.echo(text(Store(results), run_id))


def watch(results: Path, suite: str | None, once: bool) -> None:
    """`ganbench watch`."""
    from ganbench.report import only_suite
    from ganbench.store import Store
    from ganbench.watch import watch as look_on

    store = Store(results)
    look_on(store, suite or only_suite(store), once)


def schema() -> None:
    """`ganbench schema`."""
    from ganbench.suite import schema as of_suites

    click.echo(json.dumps(of_suites(), indent=2))


def cite(path: Path) -> None:
    """`ganbench cite`."""
    suite = _load(path, {})
    parts = [part for s in suite.specs for part in (s.variant, s.dataset, s.network, s.optimizer)]
    sources = {part.kind(): part.source for part in (*parts, *suite.evaluation.evaluators)}
    for kind, source in sources.items():
        click.echo(f"{kind}: {source}")


def sync(results: Path, suites: tuple[str, ...], tracking_uri: str | None) -> None:
    """`ganbench sync`."""
    from ganbench import tracking
    from ganbench.store import Store

    store = Store(results)
    uri = tracking.resolve(tracking_uri, results)
    if uri is None:
        raise RequestError("--tracking-uri", "none is not a place to mirror to", "allowed: an MLflow tracking URI")
    synced = tracking.sync(store, uri, list(suites) or None, lambda text: click.echo(text, err=True))
    click.echo(f"{synced.runs} runs in {uri}: {synced.metrics_added} metric values added")


def fetch(dataset: str, root: Path | None) -> None:
    """`ganbench fetch`."""
    from ganbench.datasets.base import Downloadable
    from ganbench.plugins import Registry

    folder = root or _data_root()
    if folder is None:
        raise RequestError("ganbench fetch", "no data folder", "set GANBENCH_DATA or give --root", "then type it again")
    component = Registry.of().find("dataset", dataset)()
    if not isinstance(component, Downloadable):
        raise RequestError(f"dataset {dataset}", "there is nothing to download", "it is embedded or your own files")
    component.fetch(folder)
    click.echo(str(folder))


def _load(path: Path, options: Mapping[str, Any]) -> Any:
    from ganbench.suite import Changes, load

    changes = Changes(tuple(options.get("only", ())), options.get("seeds"), tuple(options.get("set_", ())))
    return load(path, changes, data_root=_data_root())


def _request(suite: Any, options: Mapping[str, Any]) -> Any:
    from ganbench.run import Request

    inception = os.environ.get("GANBENCH_INCEPTION")
    site = Site(
        results=options["results"].resolve(),
        data=_data_root(),
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


def _data_root() -> Path | None:
    named = os.environ.get("GANBENCH_DATA")
    return Path(named).resolve() if named else None


def _preview(todo: Any) -> None:
    """A dry run: the ids that would run on stdout, what is left out and why on stderr."""
    for job in todo.jobs:
        for run_id in job.run_ids:
            click.echo(run_id)
    _print_excluded(todo.suite)


def _print_excluded(suite: Any) -> None:
    for item in suite.excluded:
        click.echo(f"excluded {item.spec.run_id()}: {item.because}", err=True)
    for skip in suite.evaluation.skipped:
        click.echo(f"not evaluated on {skip.dataset}: {skip.evaluator}: {skip.because}", err=True)
