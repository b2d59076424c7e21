"""From a name to a path. Names come from suites and from results folders, which may be a stranger's."""

from __future__ import annotations

import re
from pathlib import Path

from ganbench.errors import RequestError

LONGEST_NAME = 220  # bytes of UTF-8; most file systems take 255, of which temporary files need some
NAME = r"\w(?:[\w-]|\.(?=[\w-]))*"
NAMES = "letters, digits, '.', '_' and '-', beginning with none of '.' and '-'; no '..', no '.' at the end"
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # by Windows, whatever the suffix


def why_no_name(text: str, longest: int = LONGEST_NAME) -> str:
    """Why a text can't name a file or a folder on every system, as a rule; empty if it can."""
    if len(text.encode("utf-8", "replace")) > longest:
        return f"at most {longest} bytes of UTF-8"
    if _RESERVED.fullmatch(text):
        return "no name that Windows reserves for a device"
    return "" if re.fullmatch(NAME, text) else NAMES


def path_in(folder: Path, name: str, suffix: str = "") -> Path:
    """The path of a name directly in a folder. Raises `RequestError` for a name that could lead out of it."""
    rule = why_no_name(name)
    if rule:
        raise RequestError(str(folder), f"{name[:LONGEST_NAME]!r} can't name a file in it", rule, "correct the name")
    return folder / f"{name}{suffix}"
