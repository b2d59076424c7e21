"""Outcomes, comparisons, ranks, factors and claims as grids of text."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from ganbench.report.model import tuning
from ganbench.report.render import layout
from ganbench.report.render.text import ABSENT, ARROWS, Grid, interval_text, number, p_text
from ganbench.results.questions import Contrast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ganbench.report.model.claims import Beside, Verdict
    from ganbench.report.model.comparisons import Comparison, Family, Standing
    from ganbench.report.model.factors import Factors
    from ganbench.report.model.outcomes import Outcomes
    from ganbench.report.model.tables import Report, Section
    from ganbench.results.questions import Claim
    from ganbench.stats import Interval

ANSWERS = {"reproduced": "reproduced", "contradicted": "CONTRADICTED", "inconclusive": "inconclusive"}


def claims_grid(report: Report) -> Grid:
    """The claims and their answers, first of all."""
    rows = tuple(_verdict_row(verdict) for verdict in report.claims)
    header = ("claim", "dataset", "answer", "effect [95 %]", "p (Holm)", "n", "published / ours (difference)", "notes")
    note = (
        "An effect is better minus worse over pairs that share seed and setting, or a mean. p is two-sided, corrected"
        " over all claims; an answer needs p < 0.05."
    )
    if any(isinstance(verdict.claim.test, Contrast) and not verdict.claim.test.paired for verdict in report.claims):
        note += (
            " Unpaired: all runs of one side against all of the other, by Mann and Whitney's test with Welch's interval"
            " (a rate: Fisher's and Newcombe's)."
        )
    return Grid("claims", f"{report.suite}-claims", header, rows, 3, note)


def claim_sources(report: Report) -> list[str]:
    """What each claim says, where it is from and how it is tested, by its number."""
    claims = list(dict.fromkeys(id(verdict.claim) for verdict in report.claims))
    by_id = {id(verdict.claim): verdict.claim for verdict in report.claims}
    return [f"{one.says} ({one.source}). Tested: {tested(one)}." for one in (by_id[key] for key in claims)]


def tested(claim: Claim) -> str:
    """A claim's test in words: `stable: lsgan better than ns, where batchnorm none`."""
    test = claim.test
    where = "; ".join(f"{name} {' or '.join(map(str, values))}" for name, values in claim.where.items())
    if isinstance(test, Contrast):
        relation = f"better than {test.worse}" if test.within is None else f"within {test.within:g} of {test.worse}"
        said = f"{test.metric}: {test.better} {relation}{'' if test.paired else ', unpaired'}"
    elif test.low is not None and test.high is not None:
        said = f"{test.metric} in {test.low:g} .. {test.high:g}"
    else:
        said = (
            f"{test.metric} at least {test.low:g}" if test.low is not None else f"{test.metric} at most {test.high:g}"
        )
    return said + (f", where {where}" if where else "")


def outcome_grid(report: Report, section: Section) -> Grid | None:
    """The shares of stable, collapsed and diverged runs; None where the suite has no rule for the dataset."""
    if not any(cell.outcomes for cell in section.cells):
        return None
    header = (*section.varying, "runs", "stable", "collapsed", "diverged", "collapsed at step")
    rows = []
    for cell in section.cells:
        names = tuple(str(cell.columns[name]) for name in section.varying)
        rows.append((*names, *(_outcome(cell.outcomes) if cell.outcomes else (ABSENT,) * 5)))
    note = (
        "Shares of finished runs with Wilson's 95 % intervals; the step is the median and the range. A run that never"
        " was good counts as collapsed from its first mark."
    )
    slug = f"{report.suite}-{section.dataset}-outcomes"
    return Grid(
        f"outcomes by the suite's rule: {section.stable}", slug, header, tuple(rows), len(section.varying), note
    )


def section_grids(report: Report, section: Section) -> list[Grid]:
    """All tables of a dataset."""
    outcomes = outcome_grid(report, section)
    return [*([outcomes] if outcomes else []), *layout.section_grids(report, section)]


def family_grids(report: Report) -> Iterator[Grid]:
    """Each family of comparisons, then its ranks."""
    for place, family in enumerate(report.families, start=1):
        slug = f"{report.suite}-compare-{place}"
        yield _family_grid(family, slug)
        if family.standing:
            yield _standing_grid(family, family.standing, f"{slug}-ranks")


def tuning_grids(report: Report) -> list[Grid]:
    """What the best of fewer trials would have been, for a suite that was tuned."""
    return [tuning.grid(report.tuning, report.suite)] if report.tuning else []


def factor_grids(report: Report) -> Iterator[Grid]:
    """The shares of variance, a grid a metric with a column a dataset."""
    for metric in dict.fromkeys(one.metric for one in report.factors):
        own = [one for one in report.factors if one.metric == metric]
        names = dict.fromkeys(factor.axes for one in own for factor in one.factors)
        header = ("source", *(f"{one.dataset} (n={one.n})" for one in own))
        rows = tuple((_source(axes), *(_share(one, axes) for one in own)) for axes in sorted(names, key=_last))
        note = "Type II analysis of variance; * marks p < 0.05 by F against the residual, uncorrected."
        yield Grid(f"share of the variance of {metric}", f"{report.suite}-factors-{metric}", header, rows, 1, note)


def _verdict_row(verdict: Verdict) -> tuple[str, ...]:
    return (
        verdict.claim.says,
        verdict.dataset,
        ANSWERS[verdict.answer],
        _interval(verdict.effect),
        p_text(verdict.corrected),
        str(verdict.n),
        _besides(verdict.beside),
        "; ".join((*verdict.notes, *_least(verdict.detectable, verdict.answer == "inconclusive"))) or ABSENT,
    )


def _outcome(found: Outcomes) -> tuple[str, ...]:
    rates = (_rate(one) for one in (found.stable, found.collapsed, found.diverged))
    steps = f"{median(found.steps):g} [{found.steps[0]}, {found.steps[-1]}]" if found.steps else ABSENT
    return (str(found.stable.n), *rates, steps)


def _family_grid(family: Family, slug: str) -> Grid:
    settings = list(dict.fromkeys(name for one in family.comparisons for name in one.setting))
    header = (
        *("dataset", *settings, family.axis, "mean", f"{family.baseline}", "difference [95 %]"),
        *("rank corr.", "p (Holm)", "n", "detectable"),
    )
    rows = tuple(_comparison_row(one, settings) for one in family.comparisons)
    how = "over all settings" if family.pooled else "in each setting"
    title = f"{family.axis} against {family.baseline} by {family.metric} {ARROWS[family.better]}, {how}"
    note = (
        "Paired by seed and setting: Wilcoxon's signed-rank test, or McNemar's for a rate. Detectable: the difference"
        " that n pairs find here four times in five, or of rates the smallest that they can show. A value whose runs"
        " diverged more often (Fisher, 0.05) is not called better by the runs that are left. * fewer than 5 seeds."
    )
    bold = frozenset((at, len(settings) + 4) for at, one in enumerate(family.comparisons) if one.better is not None)
    return Grid(title, slug, header, rows, len(settings) + 2, note, bold)


def _comparison_row(one: Comparison, settings: list[str]) -> tuple[str, ...]:
    names = (one.dataset, *(str(one.setting.get(name, ABSENT)) for name in settings), str(one.value))
    found = one.effect
    if found is None:
        return (*names, *(ABSENT,) * 7)
    numbers = (number(found.first), number(found.second), interval_text(found.difference), f"{found.size:.2f}")
    left = "".join(f", {count} {why}" for why, count in found.left_out.items())
    left += f", {', '.join(found.varies)} differ too" if found.varies else ""
    n = f"{found.n}{'*' if found.few else ''}{left}"
    return (*names, *numbers, p_text(one.corrected), n, "none" if one.detectable is None else number(one.detectable))


def _standing_grid(family: Family, standing: Standing, slug: str) -> Grid:
    ranks = standing.ranking
    order = sorted(range(len(standing.values)), key=lambda at: ranks.ranks[at])
    letters = {at: "".join(chr(97 + i) for i, clique in enumerate(ranks.cliques) if at in clique) for at in order}
    header = (family.axis, "mean rank", "alike", f"P(better than {family.baseline}) [95 %]")
    rows = tuple(
        (
            str(standing.values[at]),
            f"{ranks.ranks[at]:.2f}",
            letters[at] or ABSENT,
            _interval(standing.improvements[at] if standing.improvements else None),
        )
        for at in order
    )
    note = (
        f"{ranks.n} settings; Friedman p = {p_text(ranks.p)}; ranks that differ by {ranks.critical:.2f} or less share a"
        " letter (Nemenyi, 0.05)."
    )
    note += f" {standing.dropped} settings lack a value." if standing.dropped else ""
    note += f" {standing.diverged} diverged runs count as worse than any." if standing.diverged else ""
    return Grid(f"mean ranks of {family.axis} by {family.metric} over all settings", slug, header, rows, 1, note)


def _besides(beside: Mapping[str, Beside]) -> str:
    parts = []
    for name, one in beside.items():
        error = "" if one.published.error is None else f" ± {one.published.error:g}"
        ours = ABSENT if one.ours is None else f"{number(one.ours)} ({one.ours - one.published.value:+.3g})"
        parts.append(f"{'' if name == 'value' else name + ' '}{one.published.value:g}{error} / {ours}")
    return ", ".join(parts) or ABSENT


def _least(detectable: float | None, wanted: bool) -> tuple[str, ...]:
    return (f"could have shown {number(detectable)}",) if wanted and detectable is not None else ()


def _source(axes: tuple[str, ...]) -> str:
    return " × ".join(axes) or "seeds and the rest"


def _share(one: Factors, axes: tuple[str, ...]) -> str:
    found = next((factor for factor in one.factors if factor.axes == axes), None)
    if found is None:
        return ABSENT
    return f"{100 * found.share:.1f} %{'*' if found.p is not None and found.p < 0.05 else ''}"


def _last(axes: tuple[str, ...]) -> int:
    """By order, the residual last."""
    return len(axes) or 99


def _rate(rate: Interval) -> str:
    return f"{round(rate.mean * rate.n)}/{rate.n} [{rate.low:.2f}, {rate.high:.2f}]"


def _interval(interval: Interval | None) -> str:
    return ABSENT if interval is None else interval_text(interval)
