"""The papers' claims and their answers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ganbench.report.model.document import Answers, Column, Items, Section, Table, named
from ganbench.report.text import ABSENT, detectable_text, interval_text, number, p_text
from ganbench.results.questions import Contrast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ganbench.report.analysis.claims import Beside, Verdict
    from ganbench.report.analysis.study import Study
    from ganbench.report.analysis.summary import Report
    from ganbench.results.questions import Claim

ANSWERS = {"reproduced": "reproduced", "contradicted": "CONTRADICTED", "inconclusive": "inconclusive"}
COLUMNS = (
    *named("claim", "dataset"),
    Column("answer", "names", page="first"),
    *(Column("effect [95 %]"), Column("p (Holm)"), Column("n")),
    Column("published / ours (difference)", page="below"),
    Column("notes", page="below"),
)
NOTE = (
    "An effect is the better side minus the worse side, over pairs that share seed and setting, or a mean. p is"
    " two-sided and corrected over all claims. A claim is reproduced or contradicted if p < 0.05."
)
UNPAIRED = (
    " Unpaired: all runs of one side are compared with all runs of the other, by the Mann-Whitney test with Welch's"
    " interval, or for a rate by Fisher's test with Newcombe's interval."
)


def claims(study: Study) -> Iterator[Section]:
    """A table of the claims, and for each its statement, its source and its test."""
    report = study.report
    if not report.claims:
        return
    counts: Counter[str] = Counter(verdict.answer for verdict in report.claims)
    distinct = dict.fromkeys(_source(verdict.claim) for verdict in report.claims)
    sources = Items(tuple(distinct), "claim", numbered=True, audience="paper")
    yield Section("Claims", "claims", (Answers(counts), _table(report), sources))


def tested(claim: Claim) -> str:
    """A claim's test in words: `stable: lsgan better than ns, where batchnorm none`."""
    test = claim.test
    where = "; ".join(f"{name} {' or '.join(map(str, values))}" for name, values in claim.where.items())
    if isinstance(test, Contrast):
        relation = f"better than {test.worse}" if test.within is None else f"within {test.within:g} of {test.worse}"
        words = f"{test.metric}: {test.better} {relation}{'' if test.paired else ', unpaired'}"
    elif test.low is not None and test.high is not None:
        words = f"{test.metric} in {test.low:g} .. {test.high:g}"
    elif test.low is not None:
        words = f"{test.metric} at least {test.low:g}"
    else:
        words = f"{test.metric} at most {test.high:g}"
    return words + (f", where {where}" if where else "")


def _table(report: Report) -> Table:
    contrasts = [verdict.claim.test for verdict in report.claims if isinstance(verdict.claim.test, Contrast)]
    return Table(
        title="claims",
        label=f"{report.suite}-claims",
        columns=COLUMNS,
        rows=tuple(map(_row, report.claims)),
        caption=f"{report.suite}: claims.",
        note=NOTE + (UNPAIRED if any(not test.paired for test in contrasts) else ""),
        titled=False,
        anchors=tuple(f"claim-{place}" for place in range(1, len(report.claims) + 1)),
        details=tuple((f"{v.claim.source}. Tested: {tested(v.claim)}.",) for v in report.claims),
    )


def _source(claim: Claim) -> str:
    return f"{claim.says} ({claim.source}). Tested: {tested(claim)}."


def _row(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.claim.says,
        verdict.dataset,
        ANSWERS[verdict.answer],
        interval_text(verdict.effect),
        p_text(verdict.corrected),
        str(verdict.n),
        _beside(verdict.beside),
        "; ".join((*verdict.notes, *_detectable(verdict))) or ABSENT,
    )


def _beside(numbers: Mapping[str, Beside]) -> str:
    """`better 0.5 / 0.6000 (+0.1)`: each published number with ours."""
    parts = []
    for name, pair in numbers.items():
        error = "" if pair.published.error is None else f" ± {pair.published.error:g}"
        ours = ABSENT if pair.ours is None else f"{number(pair.ours)} ({pair.ours - pair.published.value:+.3g})"
        parts.append(f"{'' if name == 'value' else name + ' '}{pair.published.value:g}{error} / {ours}")
    return ", ".join(parts) or ABSENT


def _detectable(verdict: Verdict) -> tuple[str, ...]:
    if verdict.answer != "inconclusive" or verdict.detectable is None:
        return ()
    return (detectable_text(verdict.claim.test.metric, verdict.detectable),)
