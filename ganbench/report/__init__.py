"""Tables of a suite, read from run folders only: `format_report` gives a report as text."""

from ganbench.report.formats import FORMATS, format_report, only_suite, publish
from ganbench.report.model import versus

__all__ = ["FORMATS", "format_report", "only_suite", "publish", "versus"]
