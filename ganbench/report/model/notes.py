"""What a reader must know to read a report's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.stats import RESAMPLES

if TYPE_CHECKING:
    from ganbench.report.model.tables import Report

TAIL = "the median of the last fifth of a run's marks (rounded down, at least one)"
RULES = {"last": "the value at a run's last mark", "tail": TAIL}
READING = (
    f"Headline: mean over training seeds with a 95 % bootstrap interval (BCa, {RESAMPLES} resamples, seeded; percentile"
    " where BCa is degenerate). n = 1 has no interval; with few seeds intervals are too narrow. The sampling error of a"
    " metric within one model is no part of them.",
    f"best: chosen on the same data that it reports, so it flatters and hides collapse. last: {RULES['last']}."
    f" tail: {TAIL}.",
    "runs: done of all. Only these count; n is given where a metric has fewer. A diverged run enters the rate of"
    " divergence (among finished runs, with Wilson's 95 % interval) and has no metrics.",
)


def notes(report: Report) -> list[str]:
    """The rule, the interval, what `best` hides, what is absent and what was not measured."""
    chosen = report.rule.removeprefix("best:")
    meaning = RULES.get(report.rule, f"every metric at the mark where the run's {chosen} is best")
    lines = [f"Rule {report.rule}: {meaning}.", *READING]
    unruled = [section.dataset for section in report.sections if chosen not in section.metrics]
    if report.rule not in RULES and unruled:
        lines.append(f"No headline on {', '.join(unruled)}: {chosen} is not measured there.")
    if report.rule not in RULES and chosen in {name for section in report.sections for name in section.metrics}:
        lines.append(_chosen_by(chosen))
    if report.evaluation_share is not None:
        allowed = "" if report.budget is None else f"; the suite allows {report.budget:.0%} and leaves marks out for it"
        lines.append(f"Evaluation took {report.evaluation_share:.0%} of the runs' wall time{allowed}.")
    return lines + [f"Not measured on {one.dataset}: {one.evaluator}: {one.because}" for one in report.skipped]


def _chosen_by(metric: str) -> str:
    """What choosing a mark by a metric does to its headline."""
    if metric.endswith("_validation"):
        return f"Marks are chosen on the validation split, so that only {metric} is flattered by the choice."
    return (
        f"{metric} chooses the mark and is reported there, which flatters it: an evaluator with `split: validation`"
        " gives a metric to choose by."
    )
