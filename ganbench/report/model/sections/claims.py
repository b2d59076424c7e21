"""The papers' claims and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.report.model.claim_text import answer, matched, measure, sentence, tested, tested_part
from ganbench.report.model.document import Column, Items, Section, Table, named
from ganbench.report.text import ABSENT, beside, detectable_text, interval_text, p_text
from ganbench.results.questions import Contrast
from ganbench.stats import spending
from ganbench.text import span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ganbench.report.analysis.claims import Verdict
    from ganbench.report.analysis.parts import PartResult
    from ganbench.report.analysis.replication import Replication
    from ganbench.report.analysis.study import Study
    from ganbench.report.analysis.summary import Report
    from ganbench.results.questions import Claim
    from ganbench.stats import Interval

COLUMNS = (
    *named("claim", "dataset"),
    Column("answer", "names", page="first"),
    Column("measure", "names"),
    *(Column("effect [95 %]"), Column("p (Holm)"), Column("n")),
    Column("published / ours (difference)", page="below"),
    Column("notes", page="below"),
)
NOTE = (
    "An effect says by how much the better side is better, in the unit of the metric, over pairs that share seed and"
    " setting: positive = the claim holds. Of a value, or of two that are alike, it is the mean or the difference. p is"
    " two-sided and corrected over all claims."
)
ANSWERED = " A claim is reproduced or contradicted if p < 0.05."
PARTS = (
    " A claim of several parts is reproduced if every part holds and contradicted if one is contradicted. The p of a"
    " part is its own, without a correction."
)
UNPAIRED = (
    " Unpaired: all runs of one side are compared with all runs of the other, by the Mann-Whitney test with Welch's"
    " interval, or for a rate by Fisher's test with Newcombe's interval."
)
AGAIN = (
    "Each set of seeds is tested and corrected on its own. An answer on one set only is weaker evidence; if the other"
    " set contradicts it, the claim is open."
)
LOOKS = (
    " The claims are tested after {looks} seeds, where p is compared with {levels} after Holm's correction over all"
    " claims, so that over all looks and claims the probability of any wrong answer is below 5 %. An answered claim"
    " keeps the numbers of its look."
)


def claims(study: Study) -> Iterator[Section]:
    """A table of the claims' tests and of their parts, the answers on other seeds, and the claims' sources."""
    report = study.report
    if not report.claims:
        return
    units = {name: info.unit for name, info in study.results.manifest.metrics.items()}
    table = _table(report, study.results.manifest.looks, units)
    again = (_side_by_side(report, study.replication, units),) if study.replication else ()
    distinct = dict.fromkeys(_source(verdict.claim) for verdict in report.claims)
    sources = Items(tuple(distinct), "claim", numbered=True, audience="paper")
    yield Section("Claims", "claims", (table, *again, sources))


def _table(report: Report, looks: tuple[int, ...], units: Mapping[str, str]) -> Table:
    tests = [part.part.test for verdict in report.claims for part in verdict.parts]
    unpaired = any(isinstance(test, Contrast) and not test.paired for test in tests)
    whole = len(tests) == len(report.claims)
    rows = [row for verdict in report.claims for row in _rows(verdict, units)]
    return Table(
        title="claims",
        label=f"{report.suite}-claims",
        columns=COLUMNS,
        rows=tuple(rows),
        caption=f"{report.suite}: claims.",
        note=NOTE
        + (_at_looks(looks) if looks else ANSWERED)
        + ("" if whole else PARTS)
        + (UNPAIRED if unpaired else ""),
        titled=False,
        anchors=tuple(anchor for place, v in enumerate(report.claims, 1) for anchor in _anchors(v, place)),
        details=tuple(lines for verdict in report.claims for lines in _details(verdict)),
    )


def _side_by_side(report: Report, found: Replication, units: Mapping[str, str]) -> Table:
    """The answer to each claim on the seeds of the report, and on those of its replication."""
    pairs = matched(report.claims, found)
    return Table(
        title="the same claims on two disjoint sets of seeds",
        label=f"{report.suite}-claims-replication",
        columns=named("claim", "dataset", f"seeds {span(found.first)}", f"seeds {span(found.seeds)}", "confirmed"),
        rows=tuple((one.claim.says, one.dataset, *_both(one, other)) for one, other in pairs),
        caption=f"{report.suite}: claims on two disjoint sets of seeds.",
        note=AGAIN,
        details=tuple(() if other is None else (f"Again: {sentence(other, units)}",) for _, other in pairs),
    )


def _both(one: Verdict, other: Verdict | None) -> tuple[str, str, str]:
    if other is None:
        return answer(one), ABSENT, ABSENT
    again = ABSENT if one.answer == "inconclusive" else "yes" if one.answer == other.answer else "no"
    return answer(one), answer(other), again


def _at_looks(looks: tuple[int, ...]) -> str:
    if not looks:
        return ANSWERED
    levels = (f"{share:.3g}" for share in spending(looks))
    return LOOKS.format(looks=" and ".join(map(str, looks)), levels=" and ".join(levels))


def _source(claim: Claim) -> str:
    return f"{claim.says} ({claim.source}). Tested: {tested(claim)}."


def _rows(verdict: Verdict, units: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """The row of a claim, and those of its parts if there are several."""
    whole = verdict.claim.says, verdict.dataset, answer(verdict)
    if len(verdict.parts) == 1:
        (part,) = verdict.parts
        yield *whole, measure(part.part.test, units), *_numbers(part, p_text(verdict.corrected), _notes(verdict))
        return
    yield *whole, ABSENT, ABSENT, p_text(verdict.corrected), ABSENT, ABSENT, _joined(_notes(verdict))
    for part in verdict.parts:
        named_by = f"– {tested_part(part.part)}", verdict.dataset, part.answer, measure(part.part.test, units)
        yield *named_by, *_numbers(part, p_text(part.p), ())


def _numbers(part: PartResult, p: str, more: Sequence[str]) -> tuple[str, ...]:
    notes = _joined((*part.notes, *_detectable(part), *more))
    return interval_text(part.effect), p, str(part.n), _published(part), notes


def _anchors(verdict: Verdict, place: int) -> list[str]:
    """An id for each row of a claim."""
    own = f"claim-{place}"
    return [own, *(f"{own}-{part}" for part in range(1, len(verdict.parts) + 1) if len(verdict.parts) > 1)]


def _details(verdict: Verdict) -> list[tuple[str, ...]]:
    """The lines in small print below each row of a claim."""
    claim, parts = verdict.claim, verdict.parts if len(verdict.parts) > 1 else ()
    return [(f"{claim.source}." + ("" if parts else f" Tested: {tested(claim)}."),), *(() for _ in parts)]


def _notes(verdict: Verdict) -> tuple[str, ...]:
    claim = verdict.claim
    stand_in = (f"{claim.surrogate.used} in place of {claim.surrogate.original}",) if claim.surrogate else ()
    kept = (f"this suite cannot answer it: {claim.unanswerable}",) if claim.unanswerable else ()
    return (*stand_in, *kept)


def _joined(notes: Sequence[str]) -> str:
    return "; ".join(notes) or ABSENT


def _published(part: PartResult) -> str:
    """`better 0.5 / 0.60 (+0.10)`: each published number with ours."""
    parts = []
    for name, pair in part.beside.items():
        error = "" if pair.published.error is None else f" ± {pair.published.error:g}"
        ours = ABSENT if pair.ours is None else _ours(pair.ours, pair.published.value, part.effect)
        parts.append(f"{'' if name == 'value' else name + ' '}{pair.published.value:g}{error} / {ours}")
    return ", ".join(parts) or ABSENT


def _ours(ours: float, published: float, effect: Interval | None) -> str:
    """`0.60 (+0.10)`: our number and its difference from the published one."""
    difference = beside(ours - published, effect)
    sign = "" if difference.startswith("-") or not float(difference) else "+"
    return f"{beside(ours, effect)} ({sign}{difference})"


def _detectable(part: PartResult) -> tuple[str, ...]:
    if part.answer != "open" or part.detectable is None:
        return ()
    return (detectable_text(part.part.test.metric, beside(part.detectable, part.effect)),)
