"""What a reader must know about the numbers: counts, excluded cells, failures, and how the numbers are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.report.model.document import FailedRuns, Items, Section, Table, named
from ganbench.report.text import ABSENT, plural
from ganbench.spec import varying
from ganbench.stats import BOOTSTRAPPED, FEWEST, RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganbench.report.analysis.study import Study
    from ganbench.report.analysis.summary import Report

TAIL = "the median of the last fifth of a run's marks (rounded down, at least one)"
RULES = {"last": "the value at a run's last mark", "tail": TAIL}
READING = (
    f"Headline: the mean over training seeds with a 95 % interval: Student's t below {BOOTSTRAPPED} seeds, from there"
    f" on the bootstrap (BCa, {RESAMPLES} resamples, seeded; percentile if BCa is degenerate). Fewer than {FEWEST}"
    " seeds have no interval. Intervals do not include the sampling error of a metric within one model.",
    f"best: picked on the data it is reported on, so it is optimistic and hides collapse. last: {RULES['last']}."
    f" tail: {TAIL}.",
    "runs: how many of all runs are done. Only these enter the means; n is given if fewer of them have a metric. A"
    " diverged run counts in the rate of divergence (among finished runs, with Wilson's 95 % interval) and has no"
    " metrics.",
)


def counts(report: Report) -> str:
    """`30 runs: 28 done, 2 missing; 4 cells excluded`."""
    runs = sum(report.statuses.values())
    parts = ", ".join(f"{count} {status}" for status, count in report.statuses.items())
    excluded = f"; {plural(len(report.excluded), 'cell')} excluded" if report.excluded else ""
    return f"{plural(runs, 'run')}{': ' if parts else ''}{parts}{excluded}"


def excluded(study: Study) -> Iterator[Section]:
    """The cells that the suite leaves out, with the columns in which they differ and the reasons."""
    report = study.report
    if not report.excluded:
        return
    cells = [cell.columns for cell in report.excluded]
    differing = varying(cells, cells[0])
    columns = [name for name in cells[0] if name in ("variant", "dataset", *differing)]
    table = Table(
        title="excluded cells",
        label=f"{report.suite}-excluded",
        columns=(*named(*columns), *named("because")),
        rows=tuple((*(str(c.columns.get(n, ABSENT)) for n in columns), c.because) for c in report.excluded),
        caption=f"{report.suite}: excluded cells.",
        titled=False,
    )
    yield Section("Excluded", "excluded", (table,))


def failures(study: Study) -> Iterator[Section]:
    """Runs that failed or are damaged, grouped by error."""
    blocks = tuple(
        FailedRuns(failure.runs[0], len(failure.runs) - 1, failure.error, failure.log)
        for failure in study.report.failures
    )
    if blocks:
        yield Section("Failures", "failures", blocks)


def notes(study: Study) -> Iterator[Section]:
    """Notes on the rule, the intervals, `best`, missing numbers and metrics that were not measured."""
    yield Section("Notes", "notes", (Items(tuple(reading(study.report))),))


def reading(report: Report) -> list[str]:
    """The notes as lines."""
    chosen = report.rule.removeprefix("best:")
    meaning = RULES.get(report.rule, f"every metric at the mark where the run's {chosen} is best")
    lines = [f"Rule {report.rule}: {meaning}.", *READING]
    if report.rule not in RULES:
        lines += _chosen_by(chosen, report)
    if report.evaluation_share is not None:
        allowed = (
            ""
            if report.budget is None
            else f"; the suite allows {report.budget:.0%} and skips evaluations to stay within it"
        )
        lines.append(f"Evaluation took {report.evaluation_share:.0%} of the runs' wall time{allowed}.")
    skipped = (f"Not measured on {skip.dataset}: {skip.evaluator}: {skip.because}" for skip in report.skipped)
    absent = (
        f"Absent at some mark of {plural(len(item.runs), 'run')}, first in {item.runs[0]}: {item.name}: {item.because}"
        for item in report.absent
    )
    return [*lines, *skipped, *absent]


def _chosen_by(metric: str, report: Report) -> Iterator[str]:
    """Notes for a rule that chooses the mark by a metric."""
    without = [section.dataset for section in report.sections if metric not in section.metrics]
    if without:
        yield f"No headline on {', '.join(without)}: {metric} is not measured there."
    if len(without) == len(report.sections):
        return
    if metric.endswith("_validation"):
        yield f"Marks are chosen on the validation split, so only {metric} is optimistic."
    else:
        yield (
            f"The mark is chosen by {metric} and {metric} is reported there, so it is optimistic. An evaluator with"
            " `split: validation` gives a metric to choose by instead."
        )
