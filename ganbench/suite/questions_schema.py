"""The JSON Schema of the sections `outcome`, `compare` and `claims`."""

from __future__ import annotations

from collections.abc import Iterable

from ganbench.suite.shapes import Json, by_dataset, closed, listed, ref

NUMBER: Json = {"type": "number"}
TEXT: Json = {"type": "string", "minLength": 1}
WORD: Json = {"type": ["string", "number", "object"]}
WIDTH: Json = {"type": "number", "exclusiveMinimum": 0}


def questions(axes: Iterable[str]) -> Json:
    """The properties of a suite that ask something of its results."""
    compared = {"enum": [axis for axis in axes if axis not in ("dataset", "seed")]}
    where = ref("where")
    pair = {"axis": compared, "metric": TEXT}
    compare = closed({**pair, "baseline": WORD, "where": where, "pooled": {"type": "boolean"}}, (*pair, "baseline"))
    return {
        "outcome": closed({"stable": by_dataset(listed(_stable(), least=0))}, ("stable",)),
        "compare": listed(compare, least=0),
        "claims": listed(_claim(pair, where), least=0),
    }


def _stable() -> Json:
    marks = {"anyOf": [{"enum": ["last", "tail", "all"]}, {**WIDTH, "maximum": 1}]}
    limits = {"at_least": NUMBER, "at_most": NUMBER}
    more = {"ratio": {"type": "number", "minimum": 1}, "drop": {"type": "number", "minimum": 0}, "marks": marks}
    return closed({"metric": TEXT, **limits, **more}, ("metric",))


def _claim(pair: Json, where: Json) -> Json:
    same = {"type": "array", "items": WORD, "minItems": 2, "maxItems": 2}
    sides = {"better": WORD, "worse": WORD, "same": same, "within": WIDTH, "paired": {"type": "boolean"}}
    contrast = closed({**pair, **sides}, tuple(pair))
    level = closed({"metric": TEXT, "at_least": NUMBER, "at_most": NUMBER, "is": NUMBER, "within": WIDTH}, ("metric",))
    number = {"anyOf": [NUMBER, {"type": "array", "items": NUMBER, "minItems": 1, "maxItems": 2}]}
    published = closed({"better": number, "worse": number, "value": number})
    heads = {"says": TEXT, "source": TEXT, "where": where}
    claim = closed({**heads, "compare": contrast, "value": level, "published": published}, ("says", "source"))
    return {**claim, "oneOf": [{"required": ["compare"]}, {"required": ["value"]}]}
