"""Reports on the run folders of a suite: `analysis` computes, `model` builds the document, `render` draws it."""

from ganbench.report.analysis import versus
from ganbench.report.analysis.study import Study, read_study
from ganbench.report.formats import (
    FORMATS,
    format_comparison,
    format_comparisons,
    format_report,
    format_study,
    only_suite,
    publish,
)
from ganbench.report.model.selection import Selection

__all__ = [
    "FORMATS",
    "Selection",
    "Study",
    "format_comparison",
    "format_comparisons",
    "format_report",
    "format_study",
    "only_suite",
    "publish",
    "read_study",
    "versus",
]
