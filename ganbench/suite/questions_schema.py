"""The JSON Schema of the sections `outcome`, `compare` and `claims`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
NUMBER: Json = {"type": "number"}
TEXT: Json = {"type": "string", "minLength": 1}
WORD: Json = {"type": ["string", "number", "object"]}
WIDTH: Json = {"type": "number", "exclusiveMinimum": 0}


def questions(axes: Iterable[str]) -> Json:
    """The properties of a suite that ask something of its results."""
    compared = {"enum": [axis for axis in axes if axis not in ("dataset", "seed")]}
    where = {"$ref": "#/$defs/where"}
    pair = {"axis": compared, "metric": TEXT}
    compare = _object({**pair, "baseline": WORD, "where": where, "pooled": {"type": "boolean"}}, (*pair, "baseline"))
    return {
        "outcome": _object({"stable": {"anyOf": [_several(_stable()), _by_dataset(_several(_stable()))]}}, ("stable",)),
        "compare": _several(compare),
        "claims": _several(_claim(pair, where)),
    }


def _stable() -> Json:
    marks = {"anyOf": [{"enum": ["last", "tail", "all"]}, {**WIDTH, "maximum": 1}]}
    limits = {"at_least": NUMBER, "at_most": NUMBER}
    more = {"ratio": {"type": "number", "minimum": 1}, "drop": {"type": "number", "minimum": 0}, "marks": marks}
    return _object({"metric": TEXT, **limits, **more}, ("metric",))


def _claim(pair: Json, where: Json) -> Json:
    same = {"type": "array", "items": WORD, "minItems": 2, "maxItems": 2}
    sides = {"better": WORD, "worse": WORD, "same": same, "within": WIDTH, "paired": {"type": "boolean"}}
    contrast = _object({**pair, **sides}, tuple(pair))
    level = _object({"metric": TEXT, "at_least": NUMBER, "at_most": NUMBER, "is": NUMBER, "within": WIDTH}, ("metric",))
    number = {"anyOf": [NUMBER, {"type": "array", "items": NUMBER, "minItems": 1, "maxItems": 2}]}
    published = _object({"better": number, "worse": number, "value": number})
    heads = {"says": TEXT, "source": TEXT, "where": where}
    claim = _object({**heads, "compare": contrast, "value": level, "published": published}, ("says", "source"))
    return {**claim, "oneOf": [{"required": ["compare"]}, {"required": ["value"]}]}


def _several(one: Json) -> Json:
    return {"anyOf": [one, {"type": "array", "items": one}]}


def _by_dataset(one: Json) -> Json:
    return {"type": "object", "additionalProperties": one, "minProperties": 1}


def _object(properties: Json, required: tuple[str, ...] = ()) -> Json:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}
