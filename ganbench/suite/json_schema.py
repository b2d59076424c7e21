"""The JSON Schema of suite files for editors, made from the types that check them."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from ganbench.annealing import FROM, Annealing, written_name
from ganbench.component import Count, Fraction, option_fields
from ganbench.plugins import SUITE_FAMILIES, Registry
from ganbench.results.names import NAME
from ganbench.spec import GRID_AXES, HalfLife, Schedule
from ganbench.suite.comparisons import COMPARED
from ganbench.suite.grid import IN_TRAIN
from ganbench.suite.inclusion import INCLUDE
from ganbench.suite.outcome import PARTS
from ganbench.suite.values import LONGEST_NAME, SCALARS, STANDARD

Json = dict[str, Any]

NUMBER: Json = {"type": "number"}
TEXT: Json = {"type": "string", "minLength": 1}
WORD: Json = {"type": ["string", "number", "object"]}
WIDTH: Json = {"type": "number", "exclusiveMinimum": 0}


def schema(registry: Registry | None = None) -> Json:
    """The schema (Draft 2020-12) with the kinds of a registry; by default those of ganbench and installed packages."""
    registry = registry or Registry.of()
    block = _closed({axis: _listed(_ref(axis)) for axis in GRID_AXES})
    block["properties"]["seed"] = {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "array", "items": _ref("seed")}]
    }
    rule = _closed({"where": _ref("where"), "because": {"type": "string"}}, required=("where", "because"))
    evaluate = {"every": _by_dataset(_type(Count)), "samples": _type(Count), "with": _with()}
    evaluate["budget"] = _type(Fraction)
    train = {key: _by_dataset(_ref(key)) for key in IN_TRAIN}
    top = {
        "name": {"type": "string", "pattern": f"^{NAME}$", "maxLength": LONGEST_NAME},
        "about": {"type": "string"},
        INCLUDE: TEXT,
        "grid": _listed(_ref("block")),
        "exclude": _listed(rule),
        "train": _closed(train),
        "evaluate": _closed(evaluate),
        "select": {"type": "string", "pattern": "^(last|tail|best:.+)$"},
        "plugins": _listed({"type": "string"}),
        **_questions(),
    }
    families = {family: _family(family, registry) for family in SUITE_FAMILIES}
    scalars = {axis: _type(kind) for axis, kind in SCALARS.items()}
    definitions = {
        **families,
        **scalars,
        "schedule": _schedule(),
        Annealing.__name__: _closed(_fields(Annealing), required=(FROM,)),
        HalfLife.__name__: _closed(_fields(HalfLife), required=("half_life",)),
        "block": block,
        "where": _closed({axis: {} for axis in GRID_AXES}),
    }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A ganbench suite"}
    return {**head, **_closed(top), **_complete_unless_included(), "$defs": definitions}


def _complete_unless_included() -> Json:
    """The keys that a suite needs, unless a file that it includes may have them."""
    block = {"type": "object", "required": ["variant", "dataset"]}
    needed = {"required": ["name", "grid"], "properties": {"grid": _listed(block)}}
    return {"if": {"required": [INCLUDE]}, "else": needed}


def _with() -> Json:
    """Evaluators, or the word for the set that papers report today."""
    return _listed({"anyOf": [{"const": STANDARD}, _ref("evaluator")]})


def _family(family: str, registry: Registry) -> Json:
    """A kind, or a mapping with `kind` and options, each of which may be a list."""
    kinds = registry.names(family)
    return {"anyOf": [{"enum": list(kinds)}, *(_component(kind, registry.find(family, kind)) for kind in kinds)]}


def _component(kind: str, component: type[Any]) -> Json:
    body = _fields(component)
    title = (component.__doc__ or kind).strip().splitlines()[0]
    return _closed({"kind": {"const": kind}, **body}, required=("kind",)) | {"title": kind, "description": title}


def _schedule() -> Json:
    body = _fields(Schedule)
    return {"anyOf": [{"enum": list(_type(Schedule)["properties"]["order"]["enum"])}, _closed(body)]}


def _fields(owner: type[Any]) -> Json:
    known = _type(owner)["properties"]
    names = map(written_name, option_fields(owner))
    return {name: _listed(_untitled(known[name])) for name in names}


def _type(kind: Any) -> Json:
    described: Json = TypeAdapter(kind).json_schema()
    return described


def _untitled(option: Json) -> Json:
    return {key: value for key, value in option.items() if key != "title"}


def _questions() -> Json:
    """The sections `outcome`, `compare`, `claims`, `differs` and `foretell`."""
    where = _ref("where")
    pair = {"axis": {"enum": list(COMPARED)}, "metric": TEXT}
    compare = _closed({**pair, "baseline": WORD, "where": where, "pooled": {"type": "boolean"}}, (*pair, "baseline"))
    return {
        "outcome": _closed(dict.fromkeys(PARTS, _by_dataset(_listed(_condition(), least=0))), PARTS),
        "compare": _listed(compare, least=0),
        "claims": _listed(_claim(pair, where), least=0),
        "differs": _listed(TEXT, least=0),
        "foretell": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "looks": _listed({"type": "integer", "minimum": 2}),
        "looked_at": _listed(_ref("seed")),
    }


def _condition() -> Json:
    limits = {"at_least": NUMBER, "at_most": NUMBER}
    more = {"ratio": {"type": "number", "minimum": 1}, "drop": {"type": "number", "minimum": 0}}
    return _closed({"metric": TEXT, **limits, **more}, ("metric",))


def _claim(pair: Json, where: Json) -> Json:
    same = {"type": "array", "items": WORD, "minItems": 2, "maxItems": 2}
    sides = {"better": WORD, "worse": WORD, "same": same, "within": WIDTH, "paired": {"type": "boolean"}}
    contrast = _closed({**pair, **sides}, ("metric",))
    level = _closed({"metric": TEXT, "at_least": NUMBER, "at_most": NUMBER, "is": NUMBER, "within": WIDTH}, ("metric",))
    number = {"anyOf": [NUMBER, {"type": "array", "items": NUMBER, "minItems": 1, "maxItems": 2}]}
    published = _closed({"better": number, "worse": number, "value": number})
    tested = {"where": where, "compare": contrast, "value": level, "published": published}
    part = {**_closed(tested), "oneOf": [{"required": ["compare"]}, {"required": ["value"]}]}
    heads = {"says": TEXT, "source": TEXT, "surrogate": {"type": "string", "pattern": " for "}}
    kept = {"answerable": {"const": "no"}, "because": TEXT, "all": _listed(part)}
    claim = _closed({**heads, **kept, **tested}, ("says", "source"))
    forms = [{"required": [form]} for form in ("compare", "value", "all")]
    return {**claim, "oneOf": forms, "dependentRequired": {"answerable": ["because"], "because": ["answerable"]}}


def _closed(properties: Json, required: tuple[str, ...] = ()) -> Json:
    """An object with these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _listed(item: Json, least: int = 1) -> Json:
    """A single item, or a list of at least `least` items."""
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": least}]}


def _by_dataset(value: Json) -> Json:
    """One value for all datasets, or a mapping from datasets to values."""
    return {"anyOf": [value, {"type": "object", "additionalProperties": value, "minProperties": 1}]}


def _ref(name: str) -> Json:
    """A reference to the definition of that name."""
    return {"$ref": f"#/$defs/{name}"}
