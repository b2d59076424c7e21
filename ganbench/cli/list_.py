"""`ganbench list`: the components that a suite can name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ganbench.cli.completion import families
from ganbench.cli.options import as_json
from ganbench.cli.terminal import answer, answer_json
from ganbench.errors import RequestError


@click.command("list")
@click.argument("family", required=False, shell_complete=families)
@click.option("--plugin", "plugins", multiple=True, type=click.Path(path_type=Path), help="A file with your component.")
@as_json
def list_(family: str | None, plugins: tuple[Path, ...], as_json: bool) -> None:
    """List the components with their sources and options.

    \b
    Examples:
      ganbench list
      ganbench list variants
      ganbench list --json
    """
    from ganbench.plugins import FAMILIES, Registry, hint

    folders = {name: kind for kind, folder in FAMILIES.items() for name in (kind, folder)}
    if family is not None and family not in folders:
        raise RequestError("ganbench list", f"there is no family {family!r}", hint(family, FAMILIES.values()))
    described = Registry.of(plugins).describe(*([folders[family]] if family else []))
    if as_json:
        answer_json(described)
        return
    for name, components in described.items():
        answer(f"{name}:")
        for component in components:
            options = ", ".join(map(_option, component["options"]))
            answer(f"  {component['name']:<18} {component['source']}\n  {'':<18} {options}")


def _option(option: Mapping[str, Any]) -> str:
    """`lr=0.0002 (searched 1e-05 to 0.01, log)`."""
    value = f"{option['name']}={option['default']}" if "default" in option else option["name"]
    marks = [f"searched {option['search']}"] if "search" in option else []
    marks += ["can anneal"] if "anneals" in option else []
    return value + (f" ({'; '.join(marks)})" if marks else "")
