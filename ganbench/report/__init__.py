"""Reports of a suite, read from its run folders: `analysis` computes, `model` says, `render` draws."""

from ganbench.report.analysis import versus
from ganbench.report.formats import FORMATS, format_comparison, format_report, only_suite, publish

__all__ = ["FORMATS", "format_comparison", "format_report", "only_suite", "publish", "versus"]
