"""`ganbench new`: a file to start from."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path
from string import Template

import click

from ganbench.cli.options import as_json
from ganbench.cli.terminal import answer_files, note
from ganbench.errors import RequestError

FAMILY_OF = {
    **{"gan": "variant", "penalty": "penalty", "augmentation": "augment"},
    **{"dataset": "dataset", "evaluator": "evaluator", "network": "network", "optimizer": "optimizer"},
}


@click.command()
@click.argument("what", type=click.Choice([*FAMILY_OF, "suite"]))
@click.argument("name")
@click.option("--out", default=".", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
              help="Where the file goes; by default the current folder.")  # fmt: skip
@as_json
def new(what: str, name: str, out: Path, as_json: bool) -> None:
    """Write a component or a suite to start from. The component works and passes the checks; the suite runs in seconds.

    NAME is the name of the file, and so of the component in suites, or the name of the suite.

    \b
    Examples:
      ganbench new gan my_gan
      ganbench new dataset spirals --out components
      ganbench new suite mine
    """
    from ganbench.cli.request import writing
    from ganbench.results.files import write_bytes
    from ganbench.results.names import path_in

    ending = "yaml" if what == "suite" else "py"
    path = path_in(out, name, f".{ending}")
    if what != "suite":
        _check_kind(what, name)
    if path.exists():
        raise RequestError(str(path), "the file is there already", "no file is replaced", "choose another name")
    template = Template(
        resources.files("ganbench.cli").joinpath(f"starters/{what}.{ending}.txt").read_text(encoding="utf-8")
    )
    with writing("--out", path):
        write_bytes(path, template.substitute(name=name, Class=class_name(name)).encode())
    answer_files([path], as_json)
    note(_next(what, path))


def class_name(kind: str) -> str:
    """`my_gan` as `MyGAN`."""
    words = ["GAN" if word == "gan" else word.capitalize() for word in kind.split("_")]
    return "".join(words)


def _check_kind(what: str, name: str) -> None:
    from ganbench.plugins import Registry

    where = f"ganbench new {what}"
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(class_name(name)):
        allowed = "a kind has lower-case letters, digits and _, begins with a letter, and is no word of Python"
        raise RequestError(where, f"{name!r} can't be a kind", allowed)
    if name in Registry.of().names(FAMILY_OF[what]):
        family = "a variant" if what == "gan" else f"{'an' if what[0] in 'aeo' else 'a'} {what}"
        raise RequestError(where, f"there is already {family} {name!r}", todo="choose another name")


def _next(what: str, path: Path) -> str:
    """What to do with the file."""
    if what == "suite":
        return f"`ganbench check {path}` checks it, and `ganbench run {path}` runs it"
    return f"name it in a suite, `plugins: [{path}]`; `ganbench list --plugin {path}` shows its options"
