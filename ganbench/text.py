"""Text from files that strangers may have made, so that a terminal can show it. Standard library only."""

from __future__ import annotations

_CONTROLS = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))  # all but the tabulator and the newline
_DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))  # they reorder a line
_BREAKS = (0x2028, 0x2029)
_ESCAPED = {code: ascii(chr(code))[1:-1] for code in (*_CONTROLS, *_DIRECTIONS, *_BREAKS)}


def printable(text: str) -> str:
    """Text in which a character that a terminal obeys, or that changes the order of others, is shown as `\\x1b`."""
    return text.translate(_ESCAPED)
