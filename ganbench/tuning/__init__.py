"""`ganbench tune`: every contender of a suite gets the same number of trials, and is reported on other seeds."""

from ganbench.tuning.best_of import best_of
from ganbench.tuning.report import lines, record
from ganbench.tuning.search import SearchContext, budget, contenders, report_suite, tune

__all__ = ["SearchContext", "best_of", "budget", "contenders", "lines", "record", "report_suite", "tune"]
