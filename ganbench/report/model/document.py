"""The content of a report as blocks without a format. Renderers draw the blocks and neither add nor drop facts.

A function in `ganbench.report.model.sections` builds each section. Charts, pictures and folds are for readers of the
HTML page; they hold data, and a format without charts skips them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from ganbench.report.analysis.cells import Curve, Dot
    from ganbench.report.analysis.comparisons import Standing
    from ganbench.report.analysis.tuning import SearchedContender
    from ganbench.stats import Interval

Audience = Literal["all", "page", "paper"]  # the page is HTML; paper is Markdown and LaTeX
Place = tuple[int, int]  # row and column of a table


@dataclass(frozen=True)
class Column:
    """A column of a table. Names are aligned to the left, numbers to the right.

    `page`: where the HTML page shows the column: in place, as the first column, in small print below the row's name, or
    nowhere, because another table of the section has it.
    """

    name: str
    holds: Literal["names", "numbers"] = "numbers"
    page: Literal["in place", "first", "below", "nowhere"] = "in place"


@dataclass(frozen=True)
class Shade:
    """A number of a heat map: `order` sorts its column; `share`: 0 worst, 1 best, None for a single number."""

    order: float
    share: float | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of text. `label` identifies it in references and links; it has letters, digits and dashes only.

    `caption`: the title of the table in a paper. `note`: a text below the table. `titled`: whether the title is shown;
    False if the section's title is enough. `bold`: numbers that are significantly the best or significantly different.
    `anchors`: an id for each row. `details`: lines in small print below the name of each row.
    """

    title: str
    label: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    note: str = ""
    titled: bool = True
    bold: frozenset[Place] = frozenset()
    shades: Mapping[Place, Shade] = field(default_factory=dict)
    anchors: tuple[str, ...] = ()
    linked: bool = True  # whether the page shows a link beside each anchor
    details: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Paragraph:
    """A short text. `lead`: whether it is part of what was found, and not an explanation in small print."""

    text: str
    audience: Audience = "all"
    lead: bool = False


@dataclass(frozen=True)
class Items:
    """A list of short texts. `noun`: what each text is, for formats without lists."""

    lines: tuple[str, ...]
    noun: str = ""
    numbered: bool = False
    audience: Audience = "all"


@dataclass(frozen=True)
class Verbatim:
    """Text whose lines and spaces stay."""

    text: str


@dataclass(frozen=True)
class FailedRuns:
    """Runs that ended with the same error, and the end of the first run's log."""

    first: str
    others: int
    error: str
    log: tuple[str, ...]


@dataclass(frozen=True)
class CellNames:
    """The names of a dataset's cells: whole, and short enough for a chart."""

    whole: tuple[str, ...]
    short: tuple[str, ...]


@dataclass(frozen=True)
class SeedDots:
    """Every seed of every cell as a dot, with the mean and its interval. A cell may have no number."""

    dataset: str  # its slug
    metric: str
    arrow: str
    names: CellNames
    dots: tuple[tuple[Dot, ...], ...]
    means: tuple[Interval | None, ...]
    rule: str


@dataclass(frozen=True)
class Series:
    """A cell within a frame. `style`: which colour and dashes it has, the same in every frame."""

    cell: int
    name: str
    style: int


@dataclass(frozen=True)
class Frame:
    """A setting, in which the values of an axis are drawn over one another."""

    setting: str
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Curves:
    """A metric by step, for every seed of every cell. `anchors`: an id for each cell."""

    dataset: str  # its slug
    metric: str
    arrow: str
    names: CellNames
    curves: tuple[tuple[Curve, ...], ...]
    anchors: tuple[str, ...]
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class Ranks:
    """How the values of an axis rank by a metric over all settings. Two values need no diagram of ranks."""

    axis: str
    metric: str  # with its arrow
    values: tuple[str, ...]
    standing: Standing


@dataclass(frozen=True)
class SearchCurves:
    """The expected best of k trials of each contender."""

    contenders: tuple[SearchedContender, ...]


@dataclass(frozen=True)
class Picture:
    """The PNG file with a run's samples at a step."""

    run_id: str
    seed: int
    step: int
    path: Path


@dataclass(frozen=True)
class CellPictures:
    """The pictures of a cell: its first seeds at the last mark, and its first seed over training."""

    last: tuple[Picture, ...]
    over_time: tuple[Picture, ...]


@dataclass(frozen=True)
class Gallery:
    """Samples of each cell. `label`: its id on the page; `anchors`: an id for each cell.

    `real`: where the picture of real samples lies; None if it is not known, and results of earlier versions have none.
    """

    label: str
    names: CellNames
    cells: tuple[CellPictures, ...]
    anchors: tuple[str, ...]
    real: Path | None = None


@dataclass(frozen=True)
class Fold:
    """Blocks that the page shows under a line that opens them. Other formats draw them in place."""

    summary: str
    label: str
    blocks: tuple[Block, ...]
    is_open: bool = False
    heading: bool = False


Text = Paragraph | Items | Verbatim | FailedRuns
Chart = SeedDots | Curves | Ranks | SearchCurves
Block = Text | Table | Chart | Gallery | Fold


@dataclass(frozen=True)
class Section:
    """A part of the report under a title. `label`: its id on the page."""

    title: str
    label: str
    blocks: tuple[Block, ...]
    audience: Audience = "all"


@dataclass(frozen=True)
class Document:
    """A report. `counts`: the number of runs in each state, in one line."""

    title: str
    about: str
    counts: str
    sections: tuple[Section, ...]

    def tables(self) -> tuple[Table, ...]:
        """Every table, including those in folds."""
        blocks = flat(block for section in self.sections for block in section.blocks)
        return tuple(block for block in blocks if isinstance(block, Table))


def repeated_notes(document: Document) -> frozenset[str]:
    """The labels of the tables whose note an earlier table has: a reader needs it once."""
    first: dict[str, str] = {}
    return frozenset(
        table.label for table in document.tables() if first.setdefault(table.note, table.label) != table.label
    )


def flat(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks, with every fold replaced by its content."""
    for block in blocks:
        if isinstance(block, Fold):
            yield from flat(block.blocks)
        else:
            yield block


def named(*names: str) -> tuple[Column, ...]:
    """Columns that hold names."""
    return tuple(Column(name, "names") for name in names)


def numbered(*names: str) -> tuple[Column, ...]:
    """Columns that hold numbers."""
    return tuple(map(Column, names))
