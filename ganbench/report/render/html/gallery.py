"""Which sample pictures a page shows, re-encoded small: a cell's first seeds at the end, and its first over time."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from ganbench.results.store import Store

SEEDS = 3  # of each cell that are shown at the last mark
MOMENTS = 6  # marks of the first seed
SIDE = 256  # pixels
QUALITY = 55  # of WebP
MOST = 3_500_000  # bytes of a page's pictures, encoded


@dataclass(frozen=True)
class Picture:
    """Samples of a run at a step, as the source of an `img`."""

    run_id: str
    seed: int
    step: int
    source: str


@dataclass(frozen=True)
class Shown:
    """A run whose samples are shown, and its marks."""

    run_id: str
    seed: int
    marks: tuple[int, ...]


Cells = Sequence[Sequence[Shown]]  # of one dataset: the runs of each cell


@dataclass(frozen=True)
class Gallery:
    """The pictures of one cell."""

    last: tuple[Picture, ...]
    over_time: tuple[Picture, ...]


@dataclass
class Room:
    """What is left of a page's bytes for pictures; `left_out` counts those that found no room."""

    left: int
    left_out: int = 0
    _known: dict[str, str] = field(default_factory=dict)

    def hang(self, path: Path) -> str | None:
        """The picture as a data URI, or None when it is absent, unreadable or finds no room."""
        if str(path) in self._known:
            return self._known[str(path)]
        try:
            source = encode(path)
        except OSError:
            return None
        if len(source) > self.left:
            self.left_out += 1
            return None
        self.left -= len(source)
        self._known[str(path)] = source
        return source


def encode(path: Path) -> str:
    """A PNG as a small WebP in a data URI."""
    buffer = io.BytesIO()
    with Image.open(path) as picture:
        picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX).save(buffer, "WEBP", quality=QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def galleries(store: Store, sections: Sequence[Cells]) -> tuple[list[list[Gallery]], int]:
    """The pictures of each section's cells, and how many found no room on the page: all last marks go first."""
    room = Room(MOST)
    last = [
        [_hung(store, [(run, run.marks[-1]) for run in runs[:SEEDS] if run.marks], room) for runs in cells]
        for cells in sections
    ]
    over_time = [
        [_hung(store, [(run, step) for run in runs[:1] for step in _spread(run.marks)], room) for runs in cells]
        for cells in sections
    ]
    found = [list(map(Gallery, *both)) for both in zip(last, over_time, strict=True)]
    return found, room.left_out


def _spread(marks: tuple[int, ...]) -> tuple[int, ...]:
    """At most `MOMENTS` marks, evenly chosen, the last among them."""
    if len(marks) <= MOMENTS:
        return marks
    return tuple(marks[round((i + 1) * len(marks) / MOMENTS) - 1] for i in range(MOMENTS))


def _hung(store: Store, wanted: Sequence[tuple[Shown, int]], room: Room) -> tuple[Picture, ...]:
    found = []
    for run, step in wanted:
        source = room.hang(store.run(run.run_id).path / "samples" / f"{step}.png")
        if source:
            found.append(Picture(run.run_id, run.seed, step, source))
    return tuple(found)
