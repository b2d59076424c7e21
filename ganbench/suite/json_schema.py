"""The JSON Schema of suite files, made from the types that check them, for editors."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from ganbench.component import Count, Fraction
from ganbench.plugins import SUITE_FAMILIES, Registry
from ganbench.spec import AXES, Schedule
from ganbench.suite.questions_schema import questions
from ganbench.suite.shapes import Json, by_dataset, closed, listed, ref
from ganbench.suite.values import NAME, SCALARS


def schema(registry: Registry | None = None) -> Json:
    """Draft 2020-12. Kinds are those of the registry: ganbench's own and installed packages' unless one is given."""
    registry = registry or Registry.of()
    block = closed({axis: listed(ref(axis)) for axis in AXES}, required=("variant", "dataset"))
    block["properties"]["seed"] = {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "array", "items": ref("seed")}]
    }
    rule = closed({"where": ref("where"), "because": {"type": "string"}}, required=("where", "because"))
    evaluate = {"every": by_dataset(_type(Count)), "samples": _type(Count), "with": listed(ref("evaluator"))}
    evaluate["budget"] = _type(Fraction)
    train = {axis: by_dataset(ref(axis)) for axis in AXES if axis not in ("variant", "dataset", "seed")}
    top = {
        "name": {"type": "string", "pattern": NAME},
        "about": {"type": "string"},
        "grid": listed(ref("block")),
        "exclude": listed(rule),
        "train": closed(train),
        "evaluate": closed(evaluate),
        "select": {"type": "string", "pattern": "^(last|tail|best:.+)$"},
        "plugins": listed({"type": "string"}),
        **questions(AXES),
    }
    families = {family: _family(family, registry) for family in SUITE_FAMILIES}
    scalars = {axis: _type(kind) for axis, kind in SCALARS.items()}
    definitions = {
        **families,
        **scalars,
        "schedule": _schedule(),
        "block": block,
        "where": closed({axis: {} for axis in AXES}),
    }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A ganbench suite"}
    return {**head, **closed(top, required=("name", "grid")), "$defs": definitions}


def _family(family: str, registry: Registry) -> Json:
    """A kind, or a mapping with `kind` and options, each of which may be a list."""
    kinds = registry.names(family)
    return {"anyOf": [{"enum": list(kinds)}, *(_component(kind, registry.find(family, kind)) for kind in kinds)]}


def _component(kind: str, component: type[Any]) -> Json:
    body = _fields(component)
    title = (component.__doc__ or kind).strip().splitlines()[0]
    return closed({"kind": {"const": kind}, **body}, required=("kind",)) | {"title": kind, "description": title}


def _schedule() -> Json:
    body = _fields(Schedule)
    return {"anyOf": [{"enum": list(_type(Schedule)["properties"]["order"]["enum"])}, closed(body)]}


def _fields(owner: type[Any]) -> Json:
    return {name: listed(_untitled(option)) for name, option in _type(owner)["properties"].items()}


def _type(kind: Any) -> Json:
    found: Json = TypeAdapter(kind).json_schema()
    return found


def _untitled(option: Json) -> Json:
    return {key: value for key, value in option.items() if key != "title"}
