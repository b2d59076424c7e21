"""Files are UTF-8 whatever the locale: every file that the package opens as text says so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ganbench

PACKAGE = Path(ganbench.__file__).parent
TEXT = ("read_text", "write_text", "fdopen", "TextIOWrapper")  # text, unless a mode says otherwise
PROCESSES = ("run", "Popen", "check_output")  # text, if they are asked for it
MODE = frozenset("rwaxt+")


def undeclared(source: str) -> Iterator[int]:
    """The lines on which something is opened as text without its encoding."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and not any(word.arg == "encoding" for word in node.keywords) and as_text(node):
            yield node.lineno


def as_text(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    constants = [node.value for node in (*call.args, *(word.value for word in call.keywords))
                 if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
    binary = any("b" in value and set(value) <= MODE | {"b"} for value in constants)
    if name in PROCESSES:
        return any(word.arg in ("text", "universal_newlines") for word in call.keywords)
    if name == "open":  # of a path with a mode, or the builtin; `Image.open` and `store.open` take no mode
        return not binary and (
            isinstance(call.func, ast.Name) or any(set(value) <= MODE for value in constants if value)
        )
    return name in TEXT and not binary


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("open(x)\nopen(x, 'rb')\nopen(x, encoding='utf-8')", [1]),
        ("x.open('a')\nx.open('wb')\nImage.open(x)\nstore.open()", [1]),
        ("x.write_text(y)\nx.read_text(encoding='utf-8')\nos.fdopen(1, 'w')", [1, 3]),
        ("subprocess.run(x, text=True)\nsubprocess.run(x)\nPopen(x, text=True, encoding='utf-8')", [1]),
    ],
)
def test_what_counts(source: str, lines: list[int]) -> None:
    assert list(undeclared(source)) == lines


def test_every_text_file_of_the_package_has_its_encoding() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in undeclared(path.read_text(encoding="utf-8"))
    ]
    assert found == []
