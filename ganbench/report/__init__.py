"""Reports on the run folders of a suite: `analysis` computes, `model` builds the document, `render` draws it."""

from ganbench.report.analysis import versus
from ganbench.report.formats import FORMATS, format_comparison, format_comparisons, format_report, only_suite, publish

__all__ = ["FORMATS", "format_comparison", "format_comparisons", "format_report", "only_suite", "publish", "versus"]
