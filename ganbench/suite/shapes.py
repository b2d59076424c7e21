"""The shapes that JSON Schemas of suites are put together from."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def closed(properties: Json, required: tuple[str, ...] = ()) -> Json:
    """An object with these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def listed(one: Json, least: int = 1) -> Json:
    """One, or a list of `least` or more."""
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": least}]}


def by_dataset(one: Json) -> Json:
    """One for all datasets, or one for each by its kind."""
    return {"anyOf": [one, {"type": "object", "additionalProperties": one, "minProperties": 1}]}


def ref(name: str) -> Json:
    """What the schema defines under that name."""
    return {"$ref": f"#/$defs/{name}"}
