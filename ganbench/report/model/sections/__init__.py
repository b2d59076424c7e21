"""The sections of a report, in order. To add one, write its function in a file here and put it into `SECTIONS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.report.model.document import Document
from ganbench.report.model.sections.claims import claims
from ganbench.report.model.sections.comparisons import comparisons
from ganbench.report.model.sections.datasets import dataset_tables, datasets
from ganbench.report.model.sections.findings import findings
from ganbench.report.model.sections.foretelling import foretold
from ganbench.report.model.sections.reading import counts, excluded, failures, notes
from ganbench.report.model.sections.runs import every_run, provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ganbench.report.analysis.study import Study
    from ganbench.report.model.document import Section

SECTIONS = (findings, claims, datasets, comparisons, foretold, excluded, failures, every_run, notes, provenance)

IN_TEXT = (findings, claims, dataset_tables, comparisons, foretold, excluded, failures, notes)  # without what is drawn


def document(study: Study, sections: Sequence[Callable[[Study], Iterator[Section]]] = SECTIONS) -> Document:
    """The whole report of a suite, or the part that is text and tables (`IN_TEXT`)."""
    report = study.report
    built = tuple(section for build in sections for section in build(study))
    return Document(report.suite, report.about, counts(report), built)
