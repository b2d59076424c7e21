"""Reading results, and what there is to use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ganbench.cli.exit_codes import DONE, FAILED, WRONG
from ganbench.cli.request import load, suite_name
from ganbench.errors import RequestError


def report(suites: tuple[str, ...], options: Mapping[str, Any]) -> int:
    """`ganbench report`: 1 where `--fail-on worse` and the second results are worse or lost runs."""
    from ganbench.report import format_report, publish
    from ganbench.results.store import Store

    store, rule, out = Store(options["results"]), options["rule"], options["out"]
    if len(suites) > 2 or (options["fail_on"] and len(suites) != 2):
        raise RequestError("ganbench report", f"{len(suites)} suites", "one, or two to compare: ganbench report A B")
    if len(suites) == 2 and options["publish"]:
        raise RequestError("--publish", "two suites", "one suite", "write the comparison with --out")
    suite = None if len(suites) == 2 else suite_name(store, suites[0] if suites else None)
    try:
        if options["publish"]:
            for path in publish(store, suite, rule, options["publish"]):
                click.echo(str(path))
            return DONE
        code = DONE
        if len(suites) == 2:
            text, code = _versus(suites, options)
        else:
            text = format_report(store, suite, options["format_"], rule)
        if out is None:
            click.echo(text)
        else:
            out.write_text(text + "\n")
    except OSError as error:
        option = "--publish" if options["publish"] else "--out"
        what = f"can't write {error.filename}: {error.strerror}"
        raise RequestError(option, what, todo="choose another path") from None
    return code


def _versus(suites: tuple[str, ...], options: Mapping[str, Any]) -> tuple[str, int]:
    """The comparison of two suites or results folders, and the exit code; on stderr, that a gate can't fail."""
    from ganbench.report import format_comparison
    from ganbench.report.analysis import versus

    first, second = (_results(name, options["results"]) for name in suites)
    found = versus.versus((first, second), (suites[0], suites[1]), options["rule"])
    blind = versus.blind(found)
    if options["fail_on"] and blind:
        click.echo(f"--fail-on {options['fail_on']}: THIS GATE CAN'T FAIL, but for lost runs. {blind}", err=True)
    failed = options["fail_on"] and (found.worse or found.lost)
    code = FAILED if failed else WRONG if options["fail_on"] and blind else DONE
    return format_comparison(found, options["format_"]), code


def _results(name: str, root: Path) -> Any:
    """The results of a folder in which one suite ran, or of a suite in the folder `root`."""
    from ganbench.results.store import Store
    from ganbench.results.table import read

    if Path(name).is_dir():
        return read(Store(Path(name)), suite_name(Store(Path(name)), None))
    return read(Store(root), suite_name(Store(root), name))


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
    from ganbench.cli.show import show as text
    from ganbench.results.store import Store

    click.echo(text(Store(results), run_id))


def schema() -> None:
    """`ganbench schema`."""
    from ganbench.suite import schema as of_suites

    click.echo(json.dumps(of_suites(), indent=2))


def cite(path: Path) -> None:
    """`ganbench cite`."""
    suite = load(path, {})
    parts = [part for s in suite.specs for part in (s.variant, s.dataset, s.network, s.optimizer)]
    sources = {part.kind(): part.source for part in (*parts, *suite.evaluation.evaluators)}
    for kind, source in sources.items():
        click.echo(f"{kind}: {source}")
