"""The parts of the reference that are generated.

Components come from their classes, the keys of a suite from its JSON Schema, and shapes of JSON from their dataclasses.

A page names such a part in a comment, `<!-- generated: components variants -->`; `fill` puts Markdown in its place.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ganbench import suite
from ganbench.component import Component, options
from ganbench.plugins import FAMILIES, Registry

MARK = re.compile(r"<!-- generated: (\w+)(?: ([\w.]+))? -->")
FAMILY_OF = {folder: family for family, folder in FAMILIES.items()}
SPECIAL = re.compile(r"([\\*_<\[\]|$~])")


def fill(text: str) -> str:
    """A page with its generated parts. Raises `KeyError` for a part that does not exist."""
    return MARK.sub(lambda mark: PARTS[mark[1]](*filter(None, [mark[2]])), text)


def components(folder: str) -> str:
    """A section for each component of a family: docstring, source, options."""
    registry, family = Registry.of(), FAMILY_OF[folder]
    return "\n".join(component(registry.find(family, kind)) for kind in registry.names(family))


def evaluator(kind: str) -> str:
    """The text of an evaluator's own page: what its section among the components has below the heading."""
    return component(Registry.of().find("evaluator", kind)).partition("\n\n")[2]


def component(kind: type[Component]) -> str:
    """The section of a component."""
    head = f"## {kind.kind()}\n\n{prose(inspect.getdoc(kind) or '')}\n\nSource: {prose(kind.source)}\n"
    rows = [option_row(option) for option in options(kind)]
    if not rows:
        return head + "\nIt has no options.\n"
    return head + "\n" + table(("option", "type", "default", "allowed"), rows)


def option_row(option: Mapping[str, Any]) -> tuple[str, ...]:
    """One option: its name, type, default and bounds, with the range in which `ganbench tune` searches it."""
    default = literal(option["default"]) if "default" in option else "required"
    searched = f"searched {option['search']}" if "search" in option else ""
    allowed = ", ".join(filter(None, (prose(option["bounds"]), searched)))
    return literal(option["name"]), prose(option["type"]), default, allowed


def suite_keys() -> str:
    """A table for each section of a suite file, then one for each value that several sections share."""
    schema = suite.schema()
    sections = []
    for name, body in schema["properties"].items():
        required = ", required" if name in schema["else"]["required"] else ""
        sections.append(f"## `{name}`{required}\n\n{_keys(name, body)}")
    shared = {name: body for name, body in schema["$defs"].items() if name not in FAMILIES}
    return "\n".join([*sections, *(f"## Value: {name}\n\n{_keys(name, body)}" for name, body in shared.items())])


def _keys(path: str, body: Mapping[str, Any]) -> str:
    """The table of the keys at and below a node of the schema, depth first."""
    found: dict[str, list[str]] = {}
    meanings: dict[str, str] = {}
    for place, allowed, meaning in _walk(path, body):
        texts = found.setdefault(place, [])
        texts.extend(text for text in allowed if text not in texts)
        meanings[place] = meanings.get(place) or prose(meaning)
    rows = [(literal(place), " or ".join(texts), meanings[place]) for place, texts in found.items()]
    return table(("key", "allowed", "meaning"), rows)


def _walk(path: str, body: Mapping[str, Any]) -> Iterator[tuple[str, list[str], str]]:
    """Each key with what it allows and what it means.

    A list of what a key allows itself, or one such value a dataset, is one phrase.
    """
    choices, meaning = body.get("anyOf", [body]), body.get("description", "")
    for choice in choices:
        if choice.get("items") in choices:
            yield path, ["a list of these"], meaning
        elif choice.get("additionalProperties") in choices:
            yield path, ["a mapping from datasets to these"], meaning
        elif "anyOf" in choice:
            yield from _walk(path, {"description": meaning, **choice})
        else:
            yield path, [_allowed(choice)], meaning
            if isinstance(choice.get("items"), Mapping):
                yield from _walk(f"{path}[]", choice["items"])
            for key, below in choice.get("properties", {}).items():
                yield from _walk(f"{path}.{key}", below)


def _allowed(body: Mapping[str, Any]) -> str:
    """What a node of the schema allows, in words."""
    if "$ref" in body:
        name = body["$ref"].rpartition("/")[2]
        return f"[{name}](components/{FAMILIES[name]}.md)" if name in FAMILIES else f"[{name}](#value-{name.lower()})"
    if "const" in body or "enum" in body:
        return ", ".join(literal(value) for value in body.get("enum", [body.get("const")]))
    kinds = body.get("type", "anything")
    words = {"object": "mapping", "array": "list", "string": "text"}
    kind = " or ".join(words.get(word, word) for word in ([kinds] if isinstance(kinds, str) else kinds))
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    bounds = " and ".join(f"{sign} {body[key]}" for key, sign in signs.items() if key in body)
    return prose(f"{kind} {bounds}".strip())


def shape(place: str) -> str:
    """The JSON object of a dataclass, given by its place `package.module.Class`, and of those in its fields."""
    module, _, name = place.rpartition(".")
    return "\n".join(_shapes(getattr(importlib.import_module(module), name), set()))


def _shapes(owner: type, drawn: set[type]) -> Iterator[str]:
    drawn.add(owner)
    hints = get_type_hints(owner, localns=_imported_for_types(owner))
    rows = [(literal(field.name), prose(_json_type(hints[field.name]))) for field in fields(owner)]
    yield f"**{owner.__name__}.** {prose(inspect.getdoc(owner) or '')}\n\n{table(('key', 'value'), rows)}"
    for below in dict.fromkeys(kind for field in fields(owner) for kind in _dataclasses(hints[field.name])):
        if below not in drawn:
            yield from _shapes(below, drawn)


def _imported_for_types(owner: type) -> dict[str, Any]:
    """What the module of a class imports below `if TYPE_CHECKING`."""
    blocks = [
        node.body
        for node in ast.parse(inspect.getsource(sys.modules[owner.__module__])).body
        if isinstance(node, ast.If)
    ]
    imports = [node for block in blocks for node in block if isinstance(node, ast.ImportFrom) and node.module]
    modules = [(importlib.import_module(node.module or ""), alias.name) for node in imports for alias in node.names]
    return {name: getattr(module, name) for module, name in modules}


def _dataclasses(hint: Any) -> Iterator[type]:
    if is_dataclass(hint):
        yield hint
    for part in get_args(hint):
        yield from _dataclasses(part)


def _json_type(hint: Any) -> str:
    """A type as it is in JSON: `number`, `list of Verdict`, `text or null`."""
    names = {str: "text", int: "integer", float: "number", bool: "true or false", NoneType: "null", Any: "any value"}
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(_json_type, args))
    if origin is Literal:
        return ", ".join(map(str, args))
    if origin is not None and issubclass(origin, Mapping):
        return f"mapping to {_json_type(args[1])}"
    if origin is not None:
        items = dict.fromkeys(_json_type(arg) for arg in args if arg is not Ellipsis)
        return f"list of {' and '.join(items)}"
    return names.get(hint, hint.__name__)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def literal(value: object) -> str:
    """A value in code style: a word as it is, anything else as JSON, which YAML reads too."""
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`".replace("|", "\\|")


def prose(text: str) -> str:
    """Plain text as Markdown: what is not in backticks has no markup."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else SPECIAL.sub(r"\\\1", part) for part in parts)


PARTS = {"components": components, "evaluator": evaluator, "suite_keys": suite_keys, "shape": shape}
