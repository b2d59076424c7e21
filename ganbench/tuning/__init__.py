"""`ganbench tune`: every contender of a suite gets the same number of trials, and is reported on seeds of its own."""

from ganbench.tuning.best_of import best_of
from ganbench.tuning.report import lines, record
from ganbench.tuning.search import Desk, budget, contenders, report_suite, tune

__all__ = ["Desk", "best_of", "budget", "contenders", "lines", "record", "report_suite", "tune"]
