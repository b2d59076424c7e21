"""The pictures of a page, encoded again at a small size, within a limit for the whole page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from PIL import Image

from ganbench.results.files import is_own_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Encoded = Mapping[Path, str]  # the data URI of each picture that is shown

    from ganbench.report.model.document import Gallery

SIDE = 256  # pixels
QUALITY = 55  # of WebP
MOST = 3_500_000  # bytes of all encoded pictures of a page


def encode(path: Path) -> str:
    """A PNG as a small WebP in a data URI."""
    buffer = io.BytesIO()
    with Image.open(path, formats=["PNG"]) as picture:
        picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX).save(buffer, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def encoded(galleries: Sequence[Gallery]) -> tuple[Encoded, int]:
    """The pictures that fit on the page, and how many do not fit: first real samples, then those of the last marks.

    A picture that is missing, unreadable or a link is left out and not counted.
    """
    cells = [cell for gallery in galleries for cell in gallery.cells]
    paths = [gallery.real for gallery in galleries if gallery.real]
    paths += [picture.path for cell in cells for picture in cell.last]
    paths += [picture.path for cell in cells for picture in cell.over_time]
    sources: dict[Path, str] = {}
    left, left_out = MOST, 0
    for path in dict.fromkeys(paths):
        if not is_own_file(path.parent.parent, path):  # in `samples` of a run folder, or in `real` of a results folder
            continue
        try:
            source = encode(path)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            continue
        if len(source) > left:
            left_out += 1
            continue
        left -= len(source)
        sources[path] = source
    return sources, left_out
