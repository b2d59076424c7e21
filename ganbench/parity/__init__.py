"""Whether this installation measures what it should: reference cases with known values (`ganbench parity`)."""

from ganbench.parity.cases import CASES, Case
from ganbench.parity.measure import Result, measure

__all__ = ["CASES", "Case", "Result", "measure"]
