"""The top of a report: what was found, in sentences with numbers, and the figure of the metric that decides."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

from ganbench.report.analysis import names
from ganbench.report.analysis.looks import NOT_NEEDED
from ganbench.report.model.claim_text import confirmed_answers, sentence
from ganbench.report.model.document import Fold, Items, Paragraph, Section
from ganbench.report.model.sections.charts import deciding, seed_dots
from ganbench.report.text import ARROWS, plural
from ganbench.stats.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ganbench.report.analysis.claims import Verdict
    from ganbench.report.analysis.study import Study
    from ganbench.report.analysis.summary import DatasetSummary, Report
    from ganbench.report.model.document import Block

DRAWN = 60  # cells of a figure at the top of the page
MANY = "the figure of its {} cells is in the dataset's section."
DIFFERS = "The training of this suite differs from that of the paper, and every answer above is about this training:"


def findings(study: Study) -> Iterator[Section]:
    """Sentences about all claims and runs, the figures, a sentence about each claim, what differs from the paper."""
    blocks = (*_overall(study), *_figures(study), *_claims(study))
    if blocks:
        yield Section("Findings", "findings", blocks)


def _overall(study: Study) -> Iterator[Paragraph]:
    report = study.report
    lines = [*_answers(report.claims), *_looks(report), *_outcomes(report.sections)]
    if study.replication:
        lines.append(confirmed_answers(report.claims, study.replication))
    if lines:
        yield Paragraph(" ".join(lines), lead=True)


def _answers(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """`Of 7 claims, 3 are reproduced, 3 are inconclusive and 1 is contradicted.`"""
    if not verdicts:
        return
    counts = Counter(verdict.answer for verdict in verdicts)
    parts = [f"{count} {'is' if count == 1 else 'are'} {answer}" for answer, count in counts.most_common()]
    repeated = len({verdict.claim.says for verdict in verdicts}) < len(verdicts)
    each = " (each counted on each of its datasets)" if repeated else ""
    yield f"Of {plural(len(verdicts), 'claim')}{each}, {_listed(parts)}."


def _looks(report: Report) -> Iterator[str]:
    """`2 claims were answered after 12 seeds and 1 after 24. 96 of 240 runs were not needed.`"""
    answered = Counter(verdict.look for verdict in report.claims if verdict.look and verdict.answer != "inconclusive")
    if answered:
        (first, count), *later = sorted((look, count) for look, count in answered.items() if look)
        text = f"{plural(count, 'claim')} {_were(count)} answered after {first} seeds"
        yield f"{_listed([text, *(f'{n} after {at}' for at, n in later)])}."
    if spared := report.statuses.get(NOT_NEEDED):
        yield f"{spared} of {plural(sum(report.statuses.values()), 'run')} {_were(spared)} not needed."


def _outcomes(summaries: Sequence[DatasetSummary]) -> Iterator[str]:
    """`Of 100 finished runs, 45 ended stable, 20 collapsed, 30 never good and 5 diverged.`"""
    cells = [cell.outcomes for summary in summaries for cell in summary.cells if cell.outcomes]
    if not cells:
        return
    runs = sum(own.stable.n for own in cells)
    kinds: tuple[Outcome, ...] = get_args(Outcome)
    counts = {kind: sum(round(getattr(own, kind).mean * own.stable.n) for own in cells) for kind in kinds}
    named = [(kind.replace("_", " "), count) for kind, count in counts.items() if count]
    parts = [f"{named[0][1]} ended {named[0][0]}", *(f"{count} {kind}" for kind, count in named[1:])]
    where = [summary.dataset for summary in summaries if summary.outcome]
    on = f" on {_listed(where)}" if len(where) < len(summaries) else ""
    yield f"Of {plural(runs, 'finished run')}{on}, {_listed(parts)}."


def _claims(study: Study) -> Iterator[Block]:
    """A sentence for each claim, and what differs from the paper."""
    units = {name: info.unit for name, info in study.results.manifest.metrics.items()}
    if study.report.claims:
        answers = Items(tuple(sentence(verdict, units) for verdict in study.report.claims), "answer")
        yield Fold("each claim in a sentence, with its numbers", "answers", (answers,))
    if differs := study.results.manifest.questions.differs:
        blocks = (Paragraph(DIFFERS), Items(differs, "difference"))
        yield Fold(f"how this training differs from the paper's: {plural(len(differs), 'point')}", "differs", blocks)


def _figures(study: Study) -> Iterator[Block]:
    """On each dataset every seed by the metric that decides; none where no rule, claim or comparison names one."""
    slugs = names.slugs([summary.dataset for summary in study.report.sections])
    for slug, summary in zip(slugs, study.report.sections, strict=True):
        if decides := deciding(study, summary):
            arrow = ARROWS[summary.metrics[decides.metric]]
            about = f"{decides.metric} {arrow} on {summary.dataset}, which decides {decides.what}:"
            many = len(summary.cells) > DRAWN
            yield Paragraph(f"{about} {MANY.format(len(summary.cells))}" if many else about, audience="page")
            if not many:
                yield seed_dots(study, slug, summary, decides.metric)


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, or `a, b and c`."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
