"""The sections of a report, in order. To add one, write its function in a file here and put it into `SECTIONS`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.report.model.document import Document
from ganbench.report.model.sections.claims import claims
from ganbench.report.model.sections.comparisons import comparisons
from ganbench.report.model.sections.datasets import datasets
from ganbench.report.model.sections.findings import findings
from ganbench.report.model.sections.foretelling import foretold
from ganbench.report.model.sections.reading import counts, excluded, failures, notes
from ganbench.report.model.sections.runs import every_run, provenance

if TYPE_CHECKING:
    from ganbench.report.analysis.study import Study

SECTIONS = (findings, claims, datasets, comparisons, foretold, excluded, failures, every_run, notes, provenance)


def document(study: Study) -> Document:
    """The whole report of a suite."""
    report = study.report
    sections = tuple(section for build in SECTIONS for section in build(study))
    return Document(report.suite, report.about, counts(report), sections)
