"""A part of a report: its claims, outcomes or scores, or a single table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ganbench.errors import RequestError
from ganbench.report.model.document import Table, flat

if TYPE_CHECKING:
    from ganbench.report.model.document import Block, Document

Part = Literal["claims", "outcomes", "scores"]
ENDINGS: dict[Part, tuple[str, ...]] = {
    "claims": ("-claims", "-claims-replication"),
    "outcomes": ("-outcomes",),
    "scores": ("-headline", "-spread"),
}


@dataclass(frozen=True)
class Selection:
    """What of a report is wanted: the tables of a part, the table of that name, or everything."""

    part: Part | None = None
    table: str | None = None

    def of(self, document: Document) -> Document:
        """The document with the wanted tables only. Raises `RequestError` for a table or part that it does not have."""
        if self.part is None and self.table is None:
            return document
        whole = (section for section in document.sections if section.audience != "page")
        sections = [replace(section, blocks=tuple(filter(self._has, flat(section.blocks)))) for section in whole]
        if wanted := tuple(section for section in sections if section.blocks):
            return replace(document, sections=wanted)
        if self.table is not None:
            known = ", ".join(table.label for table in _shown(document))
            raise RequestError("--table", f"no table {self.table!r}", f"allowed: {known}")
        todo = "leave out --only, or add it to the suite"
        raise RequestError("--only", f"the suite {document.title} has no {self.part}", todo=todo)

    def _has(self, block: Block) -> bool:
        if not isinstance(block, Table):
            return False
        return block.label == self.table if self.part is None else block.label.endswith(ENDINGS[self.part])


def _shown(document: Document) -> list[Table]:
    """The tables of formats without a page."""
    sections = [section for section in document.sections if section.audience != "page"]
    return [block for section in sections for block in flat(section.blocks) if isinstance(block, Table)]
