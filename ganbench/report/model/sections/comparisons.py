"""The search behind a tuned suite, comparisons with a baseline, ranks, and shares of variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganbench.report.analysis import names
from ganbench.report.analysis.tuning import ENDS
from ganbench.report.model.document import Fold, Ranks, SearchCurves, Section, Table, named, numbered
from ganbench.report.text import ABSENT, ARROWS, also_different, beside, interval_text, p_text, plural
from ganbench.stats import Interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ganbench.report.analysis.comparisons import Comparison, Family, Standing
    from ganbench.report.analysis.factors import Factors
    from ganbench.report.analysis.study import Study
    from ganbench.report.analysis.tuning import SearchedContender, Tuning
    from ganbench.report.model.document import Block

PAIRED = (
    "Runs are paired by seed and setting and compared by Wilcoxon's signed-rank test, rates by McNemar's test."
    " Detectable: the difference that n pairs detect with 80 % power, or for a rate the smallest that could have been"
    " significant. If one side diverged significantly more often (Fisher's test, 0.05), its surviving runs do not make"
    " it better. * fewer than 5 seeds."
)
VARIANCE = "Type II analysis of variance. * marks p < 0.05 in an F test against the residual, uncorrected."


def comparisons(study: Study) -> Iterator[Section]:
    """A section for the entries of the suite's `compare`."""
    report = study.report
    blocks: list[Block] = []
    if report.tuning:
        blocks += [_search(report.tuning, report.suite), SearchCurves(report.tuning.contenders)]
    for place, family in enumerate(report.families, start=1):
        inner = tuple(_family(family, report.suite, place))
        blocks.append(Fold(_title(family), f"comparison-{place}", inner, heading=True))
    if shares := tuple(_factors(report.factors, report.suite)):
        blocks.append(Fold("shares of the variance", "factors", shares, heading=True))
    if blocks:
        yield Section("Comparisons", "comparisons", tuple(blocks))


def _search(tuning: Tuning, suite: str) -> Table:
    """The expected best of one trial, of half and of all trials, and the chosen settings."""
    shown = sorted({1, (tuning.trials + 1) // 2, tuning.trials})
    rows = [
        (
            *(contender.name, _settings(contender)),
            *(str(contender.ended.get(end, 0)) for end in ENDS),
            *(_best(contender, k) for k in shown),
        )
        for contender in tuning.contenders
    ]
    return Table(
        title="best of k trials",
        label=f"{suite}-tuning",
        columns=(*named("contender", "chosen"), *numbered(*ENDS, *(f"best of {k} [95 %]" for k in shown))),
        rows=tuple(rows),
        caption=f"{suite}: best of k trials.",
        note=(
            f"Each contender had {tuning.trials} trials of {tuning.sampler} search by {tuning.metric}"
            f" {ARROWS[tuning.better]}, on seeds that no table uses. {tuning.rule} The table gives the expected best"
            " of k trials (Dodge et al. 2019). A contender that leads only at the largest k owes its lead to tuning."
        ),
    )


def _settings(contender: SearchedContender) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in contender.settings.items()) or ABSENT


def _best(contender: SearchedContender, k: int) -> str:
    point = next((point for point in contender.curve if point.k == k), None)
    return interval_text(None if point is None else Interval(point.mean, point.low, point.high, k))


def _family(family: Family, suite: str, place: int) -> Iterator[Block]:
    """A family of comparisons, then its ranks."""
    label = f"{suite}-compare-{place}"
    yield _family_table(family, suite, label)
    if family.standing:
        yield _standing(family, family.standing, suite, f"{label}-ranks")
        values = names.shortened([str(value) for value in family.standing.values])
        yield Ranks(family.axis, f"{family.metric} {ARROWS[family.better]}", tuple(values), family.standing)


def _family_table(family: Family, suite: str, label: str) -> Table:
    settings = list(dict.fromkeys(name for comparison in family.comparisons for name in comparison.setting))
    title = _title(family)
    numbers = ("mean", f"{family.baseline}", "difference [95 %]", "rank corr.", "p (Holm)", "n", "detectable")
    significant = (at for at, comparison in enumerate(family.comparisons) if comparison.better is not None)
    return Table(
        title=title,
        label=label,
        columns=(*named("dataset", *settings, family.axis), *numbered(*numbers)),
        rows=tuple(_comparison(comparison, settings) for comparison in family.comparisons),
        caption=f"{suite}: {title}.",
        note=PAIRED,
        bold=frozenset((at, len(settings) + 4) for at in significant),
    )


def _title(family: Family) -> str:
    how = "over all settings" if family.pooled else "in each setting"
    return f"{family.axis} against {family.baseline} by {family.metric} {ARROWS[family.better]}, {how}"


def _comparison(comparison: Comparison, settings: Sequence[str]) -> tuple[str, ...]:
    setting = (str(comparison.setting.get(name, ABSENT)) for name in settings)
    cells, effect = (comparison.dataset, *setting, str(comparison.value)), comparison.effect
    if effect is None:
        return (*cells, *(ABSENT,) * 7)
    gap = effect.difference
    numbers = (beside(effect.first, gap), beside(effect.second, gap), interval_text(gap), f"{effect.size:z.2f}")
    left = "".join(f", {count} {why}" for why, count in effect.left_out.items())
    left += f", {also_different(effect.varies)}" if effect.varies else ""
    least = "none" if comparison.detectable is None else beside(comparison.detectable, gap)
    return (*cells, *numbers, p_text(comparison.corrected), f"{effect.n}{'*' if effect.few else ''}{left}", least)


def _standing(family: Family, standing: Standing, suite: str, label: str) -> Table:
    ranks = standing.ranking
    order = sorted(range(len(standing.values)), key=lambda at: ranks.ranks[at])
    letters = {at: "".join(chr(97 + i) for i, clique in enumerate(ranks.cliques) if at in clique) for at in order}
    rows = [
        (
            str(standing.values[at]),
            f"{ranks.ranks[at]:.2f}",
            letters[at] or ABSENT,
            interval_text(standing.interquartile_means[at] if standing.interquartile_means else None),
            interval_text(standing.improvements[at] if standing.improvements else None),
        )
        for at in order
    ]
    note = (
        f"{ranks.n} settings; Friedman test: p = {p_text(ranks.p)}. Ranks that differ by {ranks.critical:.2f} or less"
        " share a letter (Nemenyi test, 0.05)."
    )
    if standing.interquartile_means:
        note += " IQM: the mean of the middle half of all runs' scores, from 0, the worst of a setting, to 1, the best."
    note += (
        f" {plural(standing.dropped, 'setting')} left out, because a value has no number." if standing.dropped else ""
    )
    note += (
        f" {plural(standing.diverged, 'diverged run')} counted as worse than all others." if standing.diverged else ""
    )
    title = f"mean ranks of {family.axis} by {family.metric} over all settings"
    better = f"P(better than {family.baseline}) [95 %]"
    return Table(
        title=title,
        label=label,
        columns=(*named(family.axis), *numbered("mean rank", "alike", "IQM [95 %]", better)),
        rows=tuple(rows),
        caption=f"{suite}: {title}.",
        note=note,
    )


def _factors(factors: Sequence[Factors], suite: str) -> Iterator[Table]:
    """The shares of variance: a table for each metric with a column for each dataset."""
    for metric in dict.fromkeys(analysis.metric for analysis in factors):
        analyses = [analysis for analysis in factors if analysis.metric == metric]
        sources = dict.fromkeys(factor.axes for analysis in analyses for factor in analysis.factors)
        # main effects before interactions; the residual, which has no axis, comes last
        ordered = sorted(sources, key=lambda axes: len(axes) or 99)
        title = f"share of the variance of {metric}"
        yield Table(
            title=title,
            label=f"{suite}-factors-{metric}",
            columns=(*named("source"), *numbered(*(f"{a.dataset} (n={a.n})" for a in analyses))),
            rows=tuple((" × ".join(axes) or "residual", *(_share(a, axes) for a in analyses)) for axes in ordered),
            caption=f"{suite}: {title}.",
            note=VARIANCE,
        )


def _share(analysis: Factors, axes: tuple[str, ...]) -> str:
    factor = next((factor for factor in analysis.factors if factor.axes == axes), None)
    if factor is None:
        return ABSENT
    return f"{100 * factor.share:.1f} %{'*' if factor.p is not None and factor.p < 0.05 else ''}"
