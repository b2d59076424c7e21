"""What the claims of a suite can show before anything runs: for each part its smallest effect and its power."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Literal

from ganbench.results.questions import RATES, Contrast
from ganbench.stats import RateDesign, smallest_effect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ganbench.results.planned import PlannedClaims, PlannedPart
    from ganbench.results.questions import Claim, Part

    Known = Literal["published", "certain", "one standard deviation"]


@dataclass(frozen=True)
class PartPower:
    """What a part of a claim can show at a look, at the level that it has if no other claim is answered.

    `sizes`: the number of pairs or runs, or those of both sides. `smallest`: the smallest effect that is found with a
    power of 0.8, None if none is. `effect`: that at which `power` is given, of the kind `known`. Effects are distances
    from the null, in units of the rate or in standard deviations; see `ganbench.stats.power`.
    `answerable`: whether some outcome of the runs would answer the whole claim by this look.
    """

    place: int
    claim: Claim
    dataset: str
    part: Part
    seeds: int
    level: float
    sizes: tuple[int, ...]
    answerable: bool
    smallest: float | None = None
    effect: float | None = None
    known: Known | None = None
    power: float = 0.0


def powers(planned: PlannedClaims) -> tuple[PartPower, ...]:
    """The power of every part of every claim on each dataset, at each look."""
    return tuple(_powers(planned))


def _powers(planned: PlannedClaims) -> Iterator[PartPower]:
    looks = zip(planned.seeds, planned.levels, planned.tests, planned.answerable, strict=True)
    by_test = [
        [(seeds, level, test, can_be) for test, can_be in zip(tests, answerable, strict=True)]
        for seeds, level, tests, answerable in looks
    ]
    final = planned.tests[-1]
    for at in range(len(final)):
        for part_at in range(len(final[at].parts)):
            for seeds, level, test, can_be in (look[at] for look in by_test):
                part, claim = test.parts[part_at], planned.claims[test.place]
                fixed = (test.place, claim, test.dataset, part.part, seeds, level, part.sizes, can_be)
                yield PartPower(*fixed, *_power(part, level))


def _power(planned: PlannedPart, level: float) -> tuple[float | None, float | None, Known | None, float]:
    """The smallest effect, the known one with its kind, and the power at that."""
    design = planned.design
    if design is None:
        return None, None, None, 0.0
    smallest, effect = smallest_effect(design, level), published_effect(planned.part)
    if not isinstance(design, RateDesign):
        known: Known = "one standard deviation" if effect is None else "published"
        effect = 1.0 if effect is None else effect
        return smallest, effect, known, design.power(effect, level)
    if effect is None:
        return smallest, design.certain, "certain", design.power(design.certain, level)
    return smallest, effect, "published", design.power_of_rates(*_published_rates(planned.part), level)


def published_effect(part: Part) -> float | None:
    """How far the published numbers are from the null, positive inside the claim; None if the paper does not say.

    For a metric other than a rate it is in units of the published errors, which count as standard deviations over runs.
    """
    names = ("better", "worse") if isinstance(part.test, Contrast) else ("value",)
    numbers = [part.published[name] for name in names if name in part.published]
    if len(numbers) < len(names):
        return None
    rated = part.test.metric in RATES
    sd = 1.0 if rated else hypot(*(number.error or 0.0 for number in numbers))
    if sd == 0:
        return None
    if isinstance(part.test, Contrast):
        gap = abs(numbers[0].value - numbers[1].value)
        return (gap if part.test.within is None else part.test.within - gap) / sd
    value, low, high = numbers[0].value, part.test.low, part.test.high
    inside = [*([value - low] if low is not None else []), *([high - value] if high is not None else [])]
    return min(inside) / sd


def _published_rates(part: Part) -> tuple[float, float]:
    """The published rates, the higher claimed one first: of a rate where lower is better, those of the other runs."""
    if not isinstance(part.test, Contrast):
        return part.published["value"].value, 0.0
    better, worse = (part.published[side].value for side in ("better", "worse"))
    return (better, worse) if RATES[part.test.metric] == "higher" else (1 - better, 1 - worse)
