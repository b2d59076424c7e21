"""The rows of a file as they stand in it, without any check."""

from __future__ import annotations

import json
from typing import Any

from ganbench.results.store import RunFolder


def file_rows(folder: RunFolder, name: str) -> list[dict[str, Any]]:
    """The complete lines of a file of a run folder; none where there is no file."""
    content = folder.read_bytes(name) or b""
    return [json.loads(line) for line in content.split(b"\n")[:-1]]
