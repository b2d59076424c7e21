"""The comparisons that a suite asks for: every value of an axis against a baseline, and how they rank over settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, isinf
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ganbench.report.analysis.pairs import Effect, detectable, effect, paired, shared
from ganbench.report.analysis.rows import by, unmeasured, within
from ganbench.results.questions import RATES
from ganbench.stats import Interval, Ranking, holm, improvement, profile, ranking

if TYPE_CHECKING:
    from ganbench.report.analysis.rows import RunRow
    from ganbench.results.questions import Compare, Named

LEVEL = 0.05
TAUS = tuple(step / 20 for step in range(21))


@dataclass(frozen=True)
class Comparison:
    """One value against the baseline on a dataset in one setting (the columns that tell it from others), or in all.

    `direction`: what is better in the metric, `lower` or `higher`.
    `corrected`: Holm's p over the family. `better`: whether `value` is significantly better (True) or worse (False).
    `detectable`: the smallest difference that n pairs could have shown in this family; None: none, however large.
    """

    metric: str
    direction: str
    dataset: str
    setting: Mapping[str, Any]
    value: Named
    effect: Effect | None
    corrected: float | None = None
    better: bool | None = None
    detectable: float | None = None


@dataclass(frozen=True)
class Standing:
    """How the values of an axis rank over all settings of all datasets, as indices into `values`.

    `profiles`: for each value the share of its runs whose score reaches `taus`, where 0 is the worst and 1 the best run
    of a setting. `improvements`: for each value how probably one of its runs beats one of the baseline's. Both are
    empty for rates. `dropped`: settings that lack a value. A diverged run reaches nothing, beats none, and is in a
    setting's mean, by which values rank, as the setting's worst run; `diverged` counts them.
    """

    values: tuple[Named, ...]
    ranking: Ranking
    dropped: int
    taus: tuple[float, ...]
    profiles: tuple[tuple[float, ...], ...]
    improvements: tuple[Interval | None, ...]
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


def family(found: Sequence[RunRow], asked: Compare, better: str) -> Family:
    """Answer one entry of `compare`. `better`: what is better in the metric, `lower` or `higher`."""
    meant = within(found, asked.where)
    pairs = corrected(list(compared(meant, asked, better)))
    standing = _standing(meant, asked, better)
    return Family(asked.axis, asked.metric, better, asked.baseline, asked.pooled, pairs, standing)


def corrected(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same with Holm's correction over those that have a pair."""
    tested = [one.effect for one in comparisons if one.effect]
    adjusted = iter(holm([one.p for one in tested]))
    done = []
    for one in comparisons:
        if one.effect:
            p = next(adjusted)
            side = one.effect.direction if one.direction == "higher" else -one.effect.direction
            told = p < LEVEL and side and side != one.effect.lost.side  # survivors alone make nobody better
            least = detectable(one.effect, one.metric, LEVEL / len(tested))
            one = replace(one, corrected=p, better=side > 0 if told else None, detectable=least)
        done.append(one)
    return tuple(done)


def compared(found: Sequence[RunRow], asked: Compare, better: str) -> Iterator[Comparison]:
    """Every value of the axis against the baseline, on each dataset where the metric is; not yet corrected."""
    for dataset, own in by(found, ("dataset",)).items():
        if unmeasured(own, asked.metric):
            continue
        varying = {name for name in own[0].columns if len({row.columns[name] for row in own}) > 1}
        sides = by(own, (asked.axis,))
        baseline = sides.pop((asked.baseline,), [])
        for (value,), rows in sides.items():
            names, _ = shared(rows, baseline, asked.axis)
            keys = () if asked.pooled else tuple(names)
            ours, theirs = by(rows, keys), by(baseline, keys)
            for key in dict.fromkeys((*ours, *theirs)):
                setting = {name: part for name, part in zip(keys, key, strict=True) if name in varying}
                pairs = paired(ours.get(key, []), theirs.get(key, []), asked.axis, asked.metric)
                tested = effect(pairs, asked.metric)
                yield Comparison(asked.metric, better, dataset[0], setting, value, tested)


def _standing(found: Sequence[RunRow], asked: Compare, better: str) -> Standing | None:
    """None where fewer than two settings have all the values."""
    datasets = by(found, ("dataset",)).values()
    rows = [row for own in datasets if not unmeasured(own, asked.metric) for row in own]
    sides = by(rows, (asked.axis,))
    values = tuple(key[0] for key in sides)
    names = _common(list(sides.values()), asked.axis)
    settings = by(rows, ("dataset", *names))
    sign = 1.0 if better == "higher" else -1.0
    blocks = [
        {value: _scores(own, asked.metric, sign) for (value,), own in by(one, (asked.axis,)).items()}
        for one in settings.values()
    ]
    full = [block for block in blocks if all(block.get(value) for value in values)]
    if len(values) < 2 or len(full) < 2:
        return None
    means = [[-fmean(scores) for scores in _finite([block[value] for value in values])] for block in full]
    rated = asked.metric in RATES
    return Standing(
        values=values,
        ranking=ranking(means),
        dropped=len(blocks) - len(full),
        taus=() if rated else TAUS,
        profiles=() if rated else _profiles(list(settings.values()), asked, values, sign),
        improvements=() if rated else tuple(_improvement(full, value, asked.baseline) for value in values),
        diverged=sum(score == -inf for block in full for side in block.values() for score in side),
    )


def _scores(rows: Sequence[RunRow], metric: str, sign: float) -> list[float]:
    """The numbers of runs, higher better; a diverged run is worse than any, and those that never ended are left out."""
    numbers = [sign * row.numbers[metric] for row in rows if metric in row.numbers]
    return numbers + [-inf for row in rows if row.status == "diverged" and metric not in row.numbers]


def _finite(sides: Sequence[Sequence[float]]) -> list[list[float]]:
    """The same with diverged runs as bad as the worst run of the setting, for a mean."""
    worst = min((score for side in sides for score in side if isfinite(score)), default=0.0)
    return [[max(score, worst) for score in side] for side in sides]


def _improvement(blocks: Sequence[Mapping[Named, list[float]]], value: Named, baseline: Named) -> Interval | None:
    if value == baseline or baseline not in blocks[0]:
        return None
    return improvement([(block[value], block[baseline]) for block in blocks])


def _profiles(
    settings: Sequence[Sequence[RunRow]], asked: Compare, values: Sequence[Named], sign: float
) -> tuple[tuple[float, ...], ...]:
    """Scores from 0 to 1 within each setting; a diverged run reaches none."""
    scores: dict[Named, list[float]] = {value: [] for value in values}
    for rows in settings:
        known = [score for score in _scores(rows, asked.metric, sign) if isfinite(score)]
        low, span = (min(known), max(known) - min(known)) if known else (0.0, 0.0)
        for (value,), own in by(rows, (asked.axis,)).items():
            for score in _scores(own, asked.metric, sign):
                scores[value].append(score if isinf(score) else (score - low) / span if span else 1.0)
    return tuple(profile(scores[value], TAUS) for value in values)


def _common(sides: Sequence[Sequence[RunRow]], axis: str) -> list[str]:
    """The columns in which all sides have a value in common, but dataset and seed."""
    if not sides:
        return []
    names = [name for name in sides[0][0].columns if name not in (axis, "seed", "dataset")]
    return [name for name in names if set.intersection(*({row.columns[name] for row in side} for side in sides))]
