"""Claims with a single part, and what the runs say about it."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.report.analysis.claims import Verdict
from ganbench.report.analysis.parts import PartResult
from ganbench.results.questions import Claim, Contrast, Level, Named, Part, Published, Where


def versus(better: Named, worse: Named, metric: str, *, within: float | None = None, paired: bool = True) -> Contrast:
    """A contrast of two variants."""
    return Contrast(metric=metric, better={"variant": better}, worse={"variant": worse}, within=within, paired=paired)


def claim_of(
    test: Contrast | Level,
    *,
    says: str = "",
    source: str = "",
    where: Where | None = None,
    published: Mapping[str, Published] | None = None,
) -> Claim:
    """A claim that says one thing."""
    return Claim(says=says, source=source, parts=(Part(test=test, where=where or {}, published=published or {}),))


def only_part(verdict: Verdict) -> PartResult:
    """The result of the only part of a claim."""
    (part,) = verdict.parts
    return part
