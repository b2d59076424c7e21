"""Suites: YAML 1.2 in, runs out. All mistakes are reported together, each with its place."""

from ganbench.suite.changes import Changes
from ganbench.suite.declared import changed, declare
from ganbench.suite.evaluation import Evaluation, Skipped
from ganbench.suite.executor_options import read_executor
from ganbench.suite.json_schema import schema
from ganbench.suite.load import Suite, load
from ganbench.suite.rules import Excluded

__all__ = [
    "Changes",
    "Evaluation",
    "Excluded",
    "Skipped",
    "Suite",
    "changed",
    "declare",
    "load",
    "read_executor",
    "schema",
]
