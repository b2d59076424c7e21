"""`include:` in a suite: another file whose keys the suite overrides.

    include: common.yaml
    name: longer
    train: {steps: 20000}     # the other keys under `train` are those of common.yaml

The sections of `MERGED` are merged key by key where both files give a mapping, and a key below one is taken whole from
one of the files. Every other section replaces that of the included file. Each value keeps its place, so that a mistake
names the file that holds it, and a path in it starts at the folder of that file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ganbench.errors import RequestError, SuiteError
from ganbench.suite.nodes import Mistakes, Node, read

INCLUDE = "include"
MERGED = ("grid", "train", "evaluate", "outcome")
EXAMPLE = f"{INCLUDE}: common.yaml"


def with_included(tree: Node, folder: Path, mistakes: Mistakes) -> Node:
    """A suite's nodes with those of the file that it includes, and without the key. `folder`: of a suite in Python.

    A file that includes itself, that can't be read or that is no mapping is noted at the key that names it.
    Raises `SuiteError` for a file that is not YAML.
    """
    file = tree.source.file
    return _merged(tree, folder, (file.resolve(),) if file else (), mistakes)


def _merged(tree: Node, folder: Path, opened: tuple[Path, ...], mistakes: Mistakes) -> Node:
    """`opened`: the files that lead to this one, and itself."""
    if not isinstance(tree.value, dict) or INCLUDE not in tree.value:
        return tree
    own = {key: node for key, node in tree.value.items() if key != INCLUDE}
    included = _included(tree.value[INCLUDE], folder, opened, mistakes)
    if included is None:
        mistakes.stop()  # what the file would have held is no further mistake
    below = included.value if included and isinstance(included.value, dict) else {}
    sections = {key: _over(node, below[key]) if key in below and key in MERGED else node for key, node in own.items()}
    return replace(tree, value={**below, **sections})


def _over(own: Node, included: Node) -> Node:
    """A section of a suite over that of the file that it includes."""
    if not isinstance(own.value, dict) or not isinstance(included.value, dict):
        return own
    return replace(own, value={**included.value, **own.value})


def _included(node: Node, folder: Path, opened: tuple[Path, ...], mistakes: Mistakes) -> Node | None:
    """The top node of the file that a node names, with what it includes itself; None if there is a mistake."""
    if not isinstance(node.value, str) or not node.value:
        mistakes.at(node, f"{INCLUDE} = {node.text} must be the path of one file", EXAMPLE)
        return None
    path = node.source.path(node.value, folder)
    try:
        file = path.resolve()
        if file in opened:
            mistakes.at(node, f"{node.value} includes itself", "a suite includes a file that does not lead back to it")
            return None
        if file.exists() and not file.is_file():
            mistakes.at(node, f"{node.value} is no file", EXAMPLE)
            return None
        tree = read(path, mistakes)
    except SuiteError:
        raise
    except RequestError as error:
        mistakes.at(node, f"{error.where}: {error.given}", "an included file has keys of a suite", error.todo)
        return None
    except (OSError, RuntimeError) as error:  # a circle of links, or a name that is too long
        mistakes.at(node, f"{node.text} can't be opened: {error}", EXAMPLE)
        return None
    if not isinstance(tree.value, dict):
        mistakes.at(tree, "an included file must be a mapping with keys of a suite")
        return None
    return _merged(tree, path.parent, (*opened, file), mistakes)
