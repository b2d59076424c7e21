"""Reference cases with known values, which show whether this installation measures correctly (`ganbench parity`)."""

from ganbench.parity.cases import CASES, UNCHECKED, Case
from ganbench.parity.measure import CaseResult, measure_case

__all__ = ["CASES", "UNCHECKED", "Case", "CaseResult", "measure_case"]
