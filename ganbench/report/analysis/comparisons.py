"""The comparisons that a suite asks for: each value of an axis against a baseline, and the ranks over settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, isinf
from statistics import fmean
from typing import TYPE_CHECKING

from ganbench.report.analysis.pairs import Effect, detectable, effect, paired
from ganbench.report.analysis.rows import unmeasured
from ganbench.results.questions import RATES
from ganbench.results.selection import by, shared, within
from ganbench.spec import varying
from ganbench.stats import LEVEL, Interval, Ranking, holm, improvement, interquartile_mean, profile, ranking

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow
    from ganbench.results.manifest import Columns
    from ganbench.results.questions import Compare, Named

TAUS = tuple(step / 20 for step in range(21))

Block = dict["Named", list[float]]  # the scores of the runs in a setting, by the value of the axis


@dataclass(frozen=True)
class Comparison:
    """A value against the baseline on a dataset, in one setting (the columns that distinguish it) or over all settings.

    `direction`: whether a `lower` or a `higher` metric is better.
    `corrected`: Holm's p over the family. `better`: whether `value` is significantly better (True) or worse (False).
    `detectable`: the difference that n pairs can detect in this family (see `ganbench.report.analysis.pairs`).
    """

    metric: str
    direction: str
    dataset: str
    setting: Columns
    value: Named
    effect: Effect | None
    corrected: float | None = None
    better: bool | None = None
    detectable: float | None = None


@dataclass(frozen=True)
class Standing:
    """How the values of an axis rank over all settings of all datasets, as indices into `values`.

    `profiles`: for each value the share of its runs whose score reaches each of `taus`, where 0 is the worst and 1 the
    best run of a setting. `interquartile_means`: of the same scores. `improvements`: for each value the probability
    that one of its runs beats one of the baseline's. All are empty for rates. `dropped`: settings in which a value has
    no number, which are left out. `diverged`: how many runs diverged. A diverged run reaches no score and beats no run.
    In means it counts as the worst run of its setting.
    """

    values: tuple[Named, ...]
    ranking: Ranking
    dropped: int
    taus: tuple[float, ...]
    profiles: tuple[tuple[float, ...], ...]
    improvements: tuple[Interval | None, ...]
    interquartile_means: tuple[Interval, ...]
    diverged: int


@dataclass(frozen=True)
class Family:
    """The comparisons that are corrected together."""

    axis: str
    metric: str
    better: str  # lower | higher
    baseline: Named
    pooled: bool
    comparisons: tuple[Comparison, ...]
    standing: Standing | None


def family(runs: Sequence[RunRow], question: Compare, better: str) -> Family:
    """Answer an entry of `compare`. `better`: whether a `lower` or a `higher` metric is better."""
    matching = within(runs, question.where)
    comparisons = corrected(list(compared(matching, question, better)))
    standing = _standing(matching, question, better)
    return Family(question.axis, question.metric, better, question.baseline, question.pooled, comparisons, standing)


def corrected(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same comparisons with Holm's correction over those that have a pair."""
    effects = [comparison.effect for comparison in comparisons if comparison.effect]
    adjusted = iter(holm([effect.p for effect in effects]))
    return tuple(
        _corrected(comparison, comparison.effect, next(adjusted), len(effects)) if comparison.effect else comparison
        for comparison in comparisons
    )


def compared(runs: Sequence[RunRow], question: Compare, better: str) -> Iterator[Comparison]:
    """Each value of the axis against the baseline, on each dataset that has the metric; not yet corrected."""
    for (dataset,), on_dataset in by(runs, ("dataset",)).items():
        if unmeasured(on_dataset, question.metric):
            continue
        differing = varying((row.columns for row in on_dataset), on_dataset[0].columns)
        sides = by(on_dataset, (question.axis,))
        baseline = sides.pop((question.baseline,), [])
        for (value,), rows in sides.items():
            names, _ = shared(rows, baseline, (question.axis,))
            keys = () if question.pooled else tuple(names)
            ours, theirs = by(rows, keys), by(baseline, keys)
            for key in dict.fromkeys((*ours, *theirs)):
                setting = {name: part for name, part in zip(keys, key, strict=True) if name in differing}
                pairs = paired(ours.get(key, []), theirs.get(key, []), (question.axis,), question.metric)
                difference = effect(pairs, question.metric)
                yield Comparison(question.metric, better, str(dataset), setting, value, difference)


def _corrected(comparison: Comparison, effect: Effect, p: float, family: int) -> Comparison:
    """`p`: Holm's, over so many comparisons. The side that diverged significantly more often is not called better."""
    side = effect.direction if comparison.direction == "higher" else -effect.direction
    significant = p < LEVEL and side and side != effect.lost.side
    least = detectable(effect, comparison.metric, LEVEL / family)
    return replace(comparison, corrected=p, better=side > 0 if significant else None, detectable=least)


def _standing(runs: Sequence[RunRow], question: Compare, better: str) -> Standing | None:
    """None if fewer than two settings have all values."""
    datasets = by(runs, ("dataset",)).values()
    rows = [row for on_dataset in datasets if not unmeasured(on_dataset, question.metric) for row in on_dataset]
    sides = by(rows, (question.axis,))
    values = tuple(key[0] for key in sides)
    names = _common(list(sides.values()), question.axis)
    settings = by(rows, ("dataset", *names))
    sign = 1.0 if better == "higher" else -1.0
    blocks = [
        {value: _scores(side, question.metric, sign) for (value,), side in by(setting, (question.axis,)).items()}
        for setting in settings.values()
    ]
    full = [block for block in blocks if all(block.get(value) for value in values)]
    if len(values) < 2 or len(full) < 2:
        return None
    rated = question.metric in RATES
    scaled = [] if rated else [_scaled(block) for block in full]
    means = [[-fmean(scores) for scores in _finite([block[value] for value in values])] for block in full]
    return Standing(
        values=values,
        ranking=ranking(means),
        dropped=len(blocks) - len(full),
        taus=() if rated else TAUS,
        profiles=() if rated else _profiles([_scaled(block) for block in blocks], values),
        improvements=() if rated else tuple(_improvement(full, value, question.baseline) for value in values),
        interquartile_means=() if rated else tuple(_middle_mean(scaled, value) for value in values),
        diverged=sum(score == -inf for block in full for side in block.values() for score in side),
    )


def _scores(rows: Sequence[RunRow], metric: str, sign: float) -> list[float]:
    """The numbers of runs, higher is better. A diverged run is worst; unfinished runs are left out."""
    numbers = [sign * row.numbers[metric] for row in rows if metric in row.numbers]
    return numbers + [-inf for row in rows if row.status == "diverged" and metric not in row.numbers]


def _finite(sides: Sequence[Sequence[float]]) -> list[list[float]]:
    """The same scores with diverged runs as bad as the worst run of the setting, for a mean."""
    worst = min((score for side in sides for score in side if isfinite(score)), default=0.0)
    return [[max(score, worst) for score in side] for side in sides]


def _improvement(blocks: Sequence[Block], value: Named, baseline: Named) -> Interval | None:
    if value == baseline or baseline not in blocks[0]:
        return None
    return improvement([(block[value], block[baseline]) for block in blocks])


def _scaled(block: Block) -> Block:
    """The scores of a setting from 0, its worst run, to 1, its best; those of diverged runs stay as they are."""
    known = [score for side in block.values() for score in side if isfinite(score)]
    low, span = (min(known), max(known) - min(known)) if known else (0.0, 0.0)

    def scale(score: float) -> float:
        return score if isinf(score) else (score - low) / span if span else 1.0

    return {value: [scale(score) for score in side] for value, side in block.items()}


def _profiles(blocks: Sequence[Block], values: Sequence[Named]) -> tuple[tuple[float, ...], ...]:
    """The profiles of the scaled scores; a diverged run reaches no score."""
    return tuple(profile([score for block in blocks for score in block.get(value, ())], TAUS) for value in values)


def _middle_mean(blocks: Sequence[Block], value: Named) -> Interval:
    """The interquartile mean of scaled scores; a diverged run has the worst run's."""
    return interquartile_mean([[max(score, 0.0) for score in block[value]] for block in blocks])


def _common(sides: Sequence[Sequence[RunRow]], axis: str) -> list[str]:
    """The columns in which all sides have a value in common, without dataset and seed."""
    if not sides:
        return []
    names = [name for name in sides[0][0].columns if name not in (axis, "seed", "dataset")]
    return [name for name in names if set.intersection(*({row.columns[name] for row in side} for side in sides))]
