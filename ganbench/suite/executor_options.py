"""The options of an executor, from the command line: `--on KEY=VALUE`, or `--on FILE` with the same keys.

They are read like the options of any component, and are not part of a suite, because they decide no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganbench.plugins import Registry
from ganbench.suite.nodes import Mistakes, Node, TextSource, parse, placed, read
from ganbench.suite.values import component


def read_executor(kind: str, given: Sequence[str]) -> Any:
    """The executor of a kind with these options; of several values of a key the last one counts.

    Raises `RequestError` with all mistakes.
    """
    mistakes = Mistakes()
    top = Node({}, TextSource(f"--executor {kind}"), 1, 1)
    for text in given:
        top = _with_pair(top, text, mistakes) if "=" in text else _with_file(top, Path(text), mistakes)
    mistakes.stop()
    options = top.value if isinstance(top.value, dict) else {}
    named = Node({key.replace("-", "_"): node for key, node in options.items()}, top.source, 1, 1)  # cpus-per-task
    executor = component(Registry().find("executor", kind), f"executor {kind}", named, mistakes)
    mistakes.stop()
    return executor


def _with_pair(top: Node, text: str, mistakes: Mistakes) -> Node:
    key, _, value = text.partition("=")
    source = TextSource(f"--on {text}")
    new = parse(value or "null", source, mistakes)
    named = Node(key, source, 1, 1)
    result = placed(top, key.split("."), new) if new is not None and all(key.split(".")) else None
    if result is None:
        mistakes.at(named, "it is not KEY=VALUE", "allowed: KEY=VALUE, KEY.NAME=VALUE or a YAML file with such keys")
        return top
    return result


def _with_file(top: Node, path: Path, mistakes: Mistakes) -> Node:
    node = read(path, mistakes)
    if not isinstance(node.value, dict) or not isinstance(top.value, dict):
        mistakes.at(node, f"{path} must be a mapping", "for example `num_gpus: 1`")
        return top
    return Node({**top.value, **node.value}, top.source, 1, 1)
