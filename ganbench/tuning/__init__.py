"""`ganbench tune`: every contender of a suite gets the same number of trials, and is reported on seeds of its own."""

from ganbench.tuning.best_of import Best, best_of
from ganbench.tuning.report import lines, record
from ganbench.tuning.search import Budget, Desk, Tuned, budget, contenders, report_suite, tune
from ganbench.tuning.space import Knob, knobs, turned

__all__ = ["Best", "Budget", "Desk", "Knob", "Tuned", "best_of", "budget", "contenders", "knobs", "lines", "record",
           "report_suite", "tune", "turned"]  # fmt: skip
