"""Text for users: what strangers wrote, lists of seeds, numbers, and JSON. Standard library only."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

JSON_FORMAT = 1  # of every object that a command prints; raised when a key changes its meaning or goes

_CONTROLS = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))  # all but the tabulator and the newline
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))  # they reorder a line
_BREAKS = (0x2028, 0x2029)
_ESCAPED = re.compile(f"[{re.escape(''.join(map(chr, (*_CONTROLS, *_DIRECTIONS, *_BREAKS))))}]")


def printable(text: str) -> str:
    """Text in which a character that a terminal obeys, or that changes the order of others, is shown as `\\x1b`."""
    return _ESCAPED.sub(lambda found: ascii(found[0])[1:-1], text)


def span(seeds: Sequence[int]) -> str:
    """`5 to 9`, or `1, 4, 7`: ascending numbers."""
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return textwrap.shorten(", ".join(map(str, seeds)), 60, placeholder=" ...")


def number(value: float) -> str:
    """A number in its usual form, without losing a digit: `2e-4` as 0.0002, `1.0` as 1."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def json_answer(body: Mapping[str, Any], indent: int | None = None) -> str:
    """A JSON object for programs: `format`, then the keys of `body`. A number that is not finite is null."""
    return json.dumps(_finite({"format": JSON_FORMAT, **body}), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    match value:
        case float():
            return value if isfinite(value) else None
        case Mapping():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
    return value
