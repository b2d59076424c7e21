"""YAML 1.2 as nodes that know their place, so that a mistake can be shown with its line.

`1e-4` is a number, `no` is a word, and a key that is given twice is a mistake. A merge key, `<<: *anchor`, adds the
entries of another mapping, each with the place where it is written. The text is a file or a flag of the command line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent

from ganbench.errors import AbsentFile, Mistake, RequestError, SuiteError

BREAKS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what ends a line in YAML
UNUSABLE = re.compile("[\0\ud800-\udfff]")  # can be written as an escape only
UNUSABLE_TEXT = "a text has a NUL or half of a surrogate pair, which no file or table can hold"
CORE = "tag:yaml.org,2002:"
MERGE = f"{CORE}merge"  # the tag of the key `<<`, unless it is quoted
MOST_ALIASED = 10_000  # values that the aliases of a suite stand for
SHOWN = 100  # characters of a line on each side of a mistake
DEEPEST = 100  # levels of lists and mappings
TOO_MANY = (f"its aliases stand for more than {MOST_ALIASED} values", "an alias repeats all that its anchor holds")
TOO_DEEP = ("it is nested too deep", f"at most {DEEPEST} levels of lists and mappings, aliases counted")


@dataclass(frozen=True)
class TextSource:
    """The origin of a text: a file with its lines, or a flag as it was typed, which has neither."""

    name: str
    lines: tuple[str, ...] = ()
    file: Path | None = None

    def path(self, written: str, folder: Path) -> Path:
        """A path that the text names, relative to its own file, or to `folder` if it is no file."""
        return (self.file.parent if self.file else folder) / written

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, with one column per character; empty after the end."""
        return self.lines[number - 1].replace("\t", " ") if number <= len(self.lines) else ""


@dataclass(frozen=True, eq=False)
class Node:
    """A value and its place, counted from 1. `key` is the node of its key if it is in a mapping."""

    value: bool | int | float | str | list[Node] | dict[str, Node] | None
    source: TextSource
    line: int
    column: int
    written: str = ""  # the text of a scalar
    key: Node | None = None

    @property
    def text(self) -> str:
        """The value on one line, as the user wrote it."""
        match self.value:
            case list(items):
                return f"[{', '.join(item.text for item in items)}]"
            case dict(entries):
                return f"{{{', '.join(f'{key}: {node.text}' for key, node in entries.items())}}}"
        return self.written or "nothing"

    @property
    def plain(self) -> Any:
        """The value as a JSON value."""
        match self.value:
            case list(items):
                return [item.plain for item in items]
            case dict(entries):
                return {key: node.plain for key, node in entries.items()}
        return self.value

    @property
    def items(self) -> list[Node]:
        """The nodes of a list; for any other value a list of the node itself."""
        return self.value if isinstance(self.value, list) else [self]


class Mistakes:
    """The mistakes so far, each with its place. A mistake that is noted twice is kept once."""

    def __init__(self) -> None:
        self._noted: dict[Mistake, tuple[str, int, int]] = {}

    def at(self, node: Node, message: str, *hints: str, absent: bool = False) -> None:
        """Note a mistake at a node. `absent`: it is that a file of the data is not here."""
        given = tuple(hint.rstrip(".") for hint in hints if hint)
        if not node.source.lines:
            self._noted.setdefault(Mistake(node.source.name, message, hints=given, absent=absent), ("", 0, 0))
            return
        place = f"{node.source.name}:{node.line}:{node.column}"
        line, start = node.source.line(node.line), max(0, node.column - SHOWN)
        shown, column = line[start : node.column + SHOWN], node.column - start
        if start:
            shown, column = f"...{shown}", column + 3
        order = (node.source.name, node.line, node.column)
        self._noted.setdefault(Mistake(place, message, shown, column, given, absent), order)

    def at_error(self, node: Node, error: RequestError) -> None:
        """Note the error of another part at the node that caused it."""
        absent = isinstance(error, AbsentFile)
        self.at(node, f"{error.where}: {error.given}", error.allowed, error.todo, absent=absent)

    def stop(self) -> None:
        """Raise `SuiteError` with all mistakes, file by file in the order of their lines, if there are any."""
        if self._noted:
            raise SuiteError(sorted(self._noted, key=lambda mistake: self._noted[mistake]))


def read(path: Path, mistakes: Mistakes) -> Node:
    """The top node of a YAML file. Raises `RequestError` for a file that can't be read, is empty or is not YAML."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(str(path), f"not UTF-8 text (byte {error.start})", "a suite is a YAML file") from None
    except OSError as error:
        raise RequestError(str(path), f"can't be read: {error.strerror}", "a suite is a YAML file") from None
    top = parse(text, TextSource(str(path), tuple(BREAKS.split(text.rstrip())), path), mistakes)
    if top is None:
        mistakes.stop()
        raise RequestError(str(path), "it is empty", "a suite needs `name` and `grid`")
    return top


def parse(text: str, source: TextSource, mistakes: Mistakes) -> Node | None:
    """The top node of a YAML text; None if it is empty, or if it is not YAML, which is noted."""
    start = Node(None, source, 1, 1)
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.composer.warn_double_anchors = False  # YAML allows it: an alias is the anchor before it
        raw = yaml.compose(text)
    except MarkedYAMLError as error:
        place = _clamped(start, error.problem_mark or error.context_mark)
        mistakes.at(place, f"not YAML: {error.problem or error.context}", error.context if error.problem else "")
        return None
    except YAMLError as error:
        mistakes.at(start, f"not YAML: {str(error).splitlines()[0]}")
        return None
    except RecursionError:
        mistakes.at(_clamped(start, _deepest(text)), *TOO_DEEP)
        return None
    if raw is None or (excess := _excess(raw)) is None:
        return None if raw is None else _node(raw, source, mistakes, ())
    mistakes.at(_clamped(start, excess[0].start_mark), *excess[1])
    return None


def _deepest(text: str) -> StringMark | None:
    """The place of a text at which it is nested too deep."""
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEEPEST:
            mark: StringMark = event.start_mark
            return mark
    return None


def _excess(top: Any) -> tuple[Any, tuple[str, str]] | None:
    """The first node that is nested too deep or whose aliases stand for too much, and what to say of it.

    Every node is measured once: an alias is its anchor's node again. A long text counts as several values.
    """
    sizes: dict[int, tuple[int, int]] = {}  # id of a node -> the values that it stands for, the levels below it
    written = 0  # values, each counted where it is written

    def measured(raw: Any) -> tuple[Any, tuple[str, str]] | None:
        nonlocal written
        sizes[id(raw)] = (0, 0)  # an alias inside its own anchor is another mistake
        below = [] if isinstance(raw.value, str) else list(chain(*raw.value) if _is_mapping(raw) else raw.value)
        for node in below:
            if id(node) not in sizes and (excess := measured(node)):
                return excess
        own = 1 + (len(raw.value) // 64 if isinstance(raw.value, str) else 0)
        values = own + sum(sizes[id(node)][0] for node in below)
        levels = 1 + max((sizes[id(node)][1] for node in below), default=0)
        sizes[id(raw)], written = (values, levels), written + own
        if levels > DEEPEST:
            return raw, TOO_DEEP
        return (raw, TOO_MANY) if values > written + MOST_ALIASED else None

    return measured(top)


def _is_mapping(raw: Any) -> bool:
    return bool(raw.value) and isinstance(raw.value[0], tuple)


def _clamped(start: Node, mark: StringMark | None) -> Node:
    """The place of a syntax error; a place after the end of the text becomes its end."""
    lines = start.source.lines
    if mark is None or not lines:
        return start
    if mark.line < len(lines):
        return replace(start, line=mark.line + 1, column=mark.column + 1)
    return replace(start, line=len(lines), column=len(lines[-1]) + 1)


def placed(tree: Node, path: Sequence[str], new: Node) -> Node | None:
    """A copy of a tree with `new` at a path of keys, in each item of a list; None if the path leads into a scalar."""
    if isinstance(tree.value, list):
        items = [item for old in tree.value if (item := placed(old, path, new))]
        return replace(tree, value=items) if len(items) == len(tree.value) else None
    if not isinstance(tree.value, dict):
        return None
    head, *rest = path
    below: Node | None = replace(new, key=new)
    if rest:
        below = placed(tree.value.get(head) or replace(new, value={}, key=new), rest, new)
    return None if below is None else replace(tree, value={**tree.value, head: below})


def _node(raw: Any, source: TextSource, mistakes: Mistakes, above: tuple[Any, ...]) -> Node:
    here = Node(None, source, raw.start_mark.line + 1, raw.start_mark.column + 1)
    if any(raw is parent for parent in above):
        mistakes.at(here, "an alias is inside its own anchor")
        return here
    if not raw.tag.startswith(CORE):
        mistakes.at(here, f"tags such as {raw.tag} have no meaning in a suite")
    within = (*above, raw)
    if isinstance(raw.value, str):
        if UNUSABLE.search(raw.value):
            mistakes.at(here, UNUSABLE_TEXT)
            return here
        written = json.dumps(raw.value) if raw.style in ("'", '"') else raw.value
        return replace(here, value=_scalar(raw.tag.removeprefix(CORE), raw.value), written=written)
    if _is_mapping(raw):
        return replace(here, value=_mapping(raw.value, source, mistakes, within))
    if raw.tag.endswith("map"):
        return replace(here, value={})
    return replace(here, value=[_node(item, source, mistakes, within) for item in raw.value])


def _mapping(
    pairs: list[tuple[Any, Any]], source: TextSource, mistakes: Mistakes, above: tuple[Any, ...]
) -> dict[str, Node]:
    """The entries of a mapping, after those that its merge key adds, which they override."""
    entries: dict[str, Node] = {}
    for raw_key, raw_value in pairs:
        key = _node(raw_key, source, mistakes, above)
        if isinstance(key.value, (list, dict)):
            mistakes.at(key, "a key is a word, not a list or a mapping")
        elif (name := key.value if isinstance(key.value, str) else key.written) in entries:
            several = "to merge several mappings, write <<: [*one, *other]" if raw_key.tag == MERGE else ""
            mistakes.at(key, f"the key {name!r} is given twice", several)
        else:
            node = _node(raw_value, source, mistakes, above)
            if node.value is None and not node.written:  # an empty value has the place of its key
                node = replace(node, line=key.line, column=key.column)
            entries[name] = replace(node, key=key)
    merges = any(key.tag == MERGE for key, _ in pairs)
    return {**_merged(entries.pop("<<"), mistakes), **entries} if merges else entries


def _merged(node: Node, mistakes: Mistakes) -> dict[str, Node]:
    """What a merge key adds: the entries of a mapping, or of a list of mappings, of which the earlier override."""
    entries: dict[str, Node] = {}
    for item in node.items:
        if isinstance(item.value, dict):
            entries = {**item.value, **entries}
        else:
            mistakes.at(
                item, f"<<: {item.text} can't be merged", "a mapping or a list of mappings, such as <<: *anchor"
            )
    return entries


def _scalar(kind: str, text: str) -> bool | int | float | str | None:
    """A scalar of YAML 1.2's core schema: a number, a boolean, null, or otherwise a word."""
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return {"true": True, "false": False}.get(text.lower(), text)
            case "int":
                digits = text.replace("_", "").lower()
                return int(digits, 0) if digits.lstrip("+-")[:2] in ("0x", "0o", "0b") else int(digits)
            case "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan").replace("_", ""))
    except ValueError:
        return text
    return text
