"""The JSON Schema of suite files for editors, made from the types that check them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from ganbench.annealing import FROM, Annealing, written_name
from ganbench.component import Count, Fraction, option_fields
from ganbench.plugins import SUITE_FAMILIES, Registry
from ganbench.results.names import NAME
from ganbench.spec import GRID_AXES, HalfLife, Schedule
from ganbench.suite.comparisons import COMPARED
from ganbench.suite.descriptions import DESCRIPTIONS, option_descriptions
from ganbench.suite.grid import IN_TRAIN
from ganbench.suite.inclusion import INCLUDE
from ganbench.suite.outcome import PARTS
from ganbench.suite.values import LONGEST_NAME, SCALARS, STANDARD

Json = dict[str, Any]

HEAD: Json = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A ganbench suite"}
NUMBER: Json = {"type": "number"}
TEXT: Json = {"type": "string", "minLength": 1}
WORD: Json = {"type": ["string", "number", "object"]}
WIDTH: Json = {"type": "number", "exclusiveMinimum": 0}


def schema(registry: Registry | None = None) -> Json:
    """The schema (Draft 2020-12) with the kinds of a registry.

    By default it has those of ganbench and of installed packages, and accepts others in a suite that has `plugins`, or
    an `include` whose file may have them.
    """
    whole = registry is not None
    registry = registry or Registry.of()
    seeds = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "array", "items": _ref("seed")}]}
    block = _closed("block", {axis: _listed(_ref(axis)) for axis in GRID_AXES} | {"seed": seeds})
    rule = _closed("exclude", {"where": _ref("where"), "because": {"type": "string"}}, required=("where", "because"))
    evaluate = {"every": _by_dataset(_type(Count)), "samples": _type(Count), "with": _with()}
    evaluate["budget"] = _type(Fraction)
    train = {key: _by_dataset(_ref(key)) for key in IN_TRAIN}
    top = {
        "name": {"type": "string", "pattern": f"^{NAME}$", "maxLength": LONGEST_NAME},
        "about": {"type": "string"},
        INCLUDE: TEXT,
        "grid": _listed(_ref("block")),
        "exclude": _listed(rule),
        "train": _closed("train", train),
        "evaluate": _closed("evaluate", evaluate),
        "select": {"type": "string", "pattern": "^(last|tail|best:.+)$"},
        "plugins": _listed({"type": "string"}),
        **_questions(),
    }
    families = {family: _family(family, registry, whole) for family in SUITE_FAMILIES}
    scalars = {axis: _type(kind) for axis, kind in SCALARS.items()}
    definitions = {
        **families,
        **scalars,
        "schedule": _schedule(),
        Annealing.__name__: _closed("Annealing", _fields(Annealing), required=(FROM,)),
        HalfLife.__name__: _closed("HalfLife", _fields(HalfLife), required=("half_life",)),
        "block": block,
        "where": _closed("where", {axis: {} for axis in GRID_AXES}),
    }
    kinds = {} if whole else {"allOf": [_known_unless_plugins(registry)]}
    return {**HEAD, **_closed("suite", top), **_complete_unless_included(), **kinds, "$defs": definitions}


def _complete_unless_included() -> Json:
    """The keys that a suite needs, unless a file that it includes may have them."""
    block = {"type": "object", "required": ["variant", "dataset"]}
    needed = {"required": ["name", "grid"], "properties": {"grid": _listed(block)}}
    return {"if": {"required": [INCLUDE]}, "else": needed}


def _known_unless_plugins(registry: Registry) -> Json:
    """Kinds must be in the registry, unless files of the suite, or of one that it includes, may define others."""
    known = {family: _known(registry.names(family)) for family in SUITE_FAMILIES}
    axes = {axis: _listed(known[axis]) for axis in GRID_AXES if axis in known}
    train = {axis: _by_dataset(known[axis]) for axis in IN_TRAIN if axis in known}
    evaluators = _listed({"anyOf": [{"const": STANDARD}, known["evaluator"]]})
    sections = {"grid": _listed({"properties": axes}), "train": {"properties": train}}
    sections["evaluate"] = {"properties": {"with": evaluators}}
    return {"if": {"anyOf": [{"required": ["plugins"]}, {"required": [INCLUDE]}]}, "else": {"properties": sections}}


def _known(kinds: Sequence[str]) -> Json:
    kind = {"enum": list(kinds)}
    return {"anyOf": [kind, {"type": "object", "properties": {"kind": kind}, "required": ["kind"]}]}


def _unknown(kinds: Sequence[str]) -> Json:
    """A component with another kind, and any options."""
    kind = {**TEXT, "not": {"enum": list(kinds)}}
    body = {"kind": {**kind, "description": "A component of your own."}}
    return {"anyOf": [kind, {"type": "object", "properties": body, "required": ["kind"]}]}


def _with() -> Json:
    """Evaluators, or the word for the set that papers report today."""
    return _listed({"anyOf": [{"const": STANDARD}, _ref("evaluator")]})


def _family(family: str, registry: Registry, whole: bool) -> Json:
    """A kind, or a mapping with `kind` and options, each of which may be a list; unless `whole`, other kinds too."""
    kinds = registry.names(family)
    components = [_component(kind, registry.find(family, kind)) for kind in kinds]
    return {"anyOf": [{"enum": list(kinds)}, *components, *([] if whole else [_unknown(kinds)])]}


def _component(kind: str, component: type[Any]) -> Json:
    said = option_descriptions(component)
    body = {name: {**value, "description": said[name]} for name, value in _fields(component).items()}
    title = (component.__doc__ or kind).strip().splitlines()[0]
    head = {"type": "object", "title": kind, "description": title}
    properties = {"kind": {"const": kind, "description": title}, **body}
    return {**head, "properties": properties, "required": ["kind"], "additionalProperties": False}


def _schedule() -> Json:
    body = _fields(Schedule)
    return {"anyOf": [{"enum": list(_type(Schedule)["properties"]["order"]["enum"])}, _closed("Schedule", body)]}


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
    more = {"baseline": WORD, "where": where, "pooled": {"type": "boolean"}}
    compare = _closed("comparison", {**pair, **more}, (*pair, "baseline"))
    return {
        "outcome": _closed("outcome", dict.fromkeys(PARTS, _by_dataset(_listed(_condition(), least=0))), PARTS),
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
    return _closed("condition", {"metric": TEXT, **limits, **more}, ("metric",))


def _claim(pair: Json, where: Json) -> Json:
    same = {"type": "array", "items": WORD, "minItems": 2, "maxItems": 2}
    sides = {"better": WORD, "worse": WORD, "same": same, "within": WIDTH, "paired": {"type": "boolean"}}
    contrast = _closed("contrast", {**pair, **sides}, ("metric",))
    limits = {"at_least": NUMBER, "at_most": NUMBER, "is": NUMBER, "within": WIDTH}
    level = _closed("level", {"metric": TEXT, **limits}, ("metric",))
    number = {"anyOf": [NUMBER, {"type": "array", "items": NUMBER, "minItems": 1, "maxItems": 2}]}
    published = _closed("published", {"better": number, "worse": number, "value": number})
    tested = {"where": where, "compare": contrast, "value": level, "published": published}
    part = {**_closed("part", tested), "oneOf": [{"required": ["compare"]}, {"required": ["value"]}]}
    heads = {"says": TEXT, "source": TEXT, "surrogate": {"type": "string", "pattern": " for "}}
    kept = {"answerable": {"const": "no"}, "because": TEXT, "all": _listed(part)}
    claim = _closed("claim", {**heads, **kept, **tested}, ("says", "source"))
    forms = [{"required": [form]} for form in ("compare", "value", "all")]
    return {**claim, "oneOf": forms, "dependentRequired": {"answerable": ["because"], "because": ["answerable"]}}


def _closed(owner: str, properties: Json, required: tuple[str, ...] = ()) -> Json:
    """An object with these properties and no others, described by the entry of `owner`."""
    properties = {key: {**value, "description": DESCRIPTIONS[owner][key]} for key, value in properties.items()}
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
