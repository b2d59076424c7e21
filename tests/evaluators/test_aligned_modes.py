"""Modes in another place, and what the rule of a suite's outcome sees of samplers with known faults."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganbench.datasets.base import Modes, Split
from ganbench.datasets.digits import Digits
from ganbench.evaluators.base import Score
from ganbench.evaluators.class_modes import ClassModes
from ganbench.evaluators.modes import ModeCoverage
from ganbench.features.bank import Real
from ganbench.results.questions import Condition, OutcomeRule
from ganbench.stats.outcomes import Thresholds
from tests.evaluators.test_values import perfect, ring
from tests.support.evaluation import Given, real_side, scores_of

pytestmark = pytest.mark.golden

RING = ring(std=0.02)


def scored(samples: torch.Tensor, truth: Modes = RING) -> dict[str, Score]:
    return ModeCoverage()(Given(samples), Given(samples, modes=truth), torch.Generator())


def aligned(samples: torch.Tensor, truth: Modes = RING) -> list[float]:
    """`modes`, `modes_aligned`, `displacement` and `hq`."""
    found = scored(samples, truth)
    return [found[name].value for name in ("modes", "modes_aligned", "displacement", "hq")]


# a ring of radius 1 at s c + t is displaced by sqrt((s - 1)^2 + t^2) / std, as the mean of its centres is 0
@pytest.mark.parametrize(
    ("scale", "shift"),
    [
        (1.5, (0.0, 0.0)),
        (0.5, (0.0, 0.0)),
        (1.0, (0.4, -0.3)),
        (1.2, (3.0, 1.0)),
        (2.5, (-0.2, 0.1)),
        (0.7, (0.1, 0.0)),
    ],
)
def test_a_displaced_ring_is_found(scale: float, shift: tuple[float, float]) -> None:
    samples = scale * perfect(RING, 2500, 0) + torch.tensor(shift, dtype=torch.float64)
    modes, modes_aligned, displacement, hq = aligned(samples)
    assert modes < 8 and hq < 0.3
    assert modes_aligned == 8
    assert displacement == pytest.approx(math.hypot(scale - 1, *shift) / 0.02, rel=0.02, abs=0.1)


def test_a_ring_in_place_is_not_displaced() -> None:
    modes, modes_aligned, displacement, hq = aligned(perfect(RING, 2500, 1))
    assert (modes, modes_aligned) == (8, 8)
    assert displacement < 0.2 and hq > 0.98


def test_a_rotation_is_no_shift_and_no_scale() -> None:
    """An eighth of a turn maps the ring to itself; half of that leaves all modes between those of the mixture."""
    x = perfect(RING, 2500, 2)
    turned = {}
    for angle in (math.pi / 4, math.pi / 8):
        turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        turned[angle] = aligned(x @ turn.double())
    assert turned[math.pi / 4][:2] == [8, 8]
    modes, modes_aligned, _, _ = turned[math.pi / 8]
    assert modes == 0 and modes_aligned < 8


def test_half_a_displaced_ring_has_half_the_modes() -> None:
    weights = torch.tensor([0.25] * 4 + [0.0] * 4, dtype=torch.float64)
    x = perfect(Modes(RING.centres, RING.std, weights), 2500, 3)
    modes, modes_aligned, displacement, _ = aligned(x + torch.tensor([0.2, 0.0], dtype=torch.float64))
    assert (modes, modes_aligned) == (0, 4)
    assert displacement == pytest.approx(10, abs=0.2)


def test_one_mode_is_one_mode_wherever_it_is() -> None:
    """All samples in the middle: a shift by the radius, which is 50 standard deviations, and no scale."""
    blob = torch.tensor(np.random.default_rng(4).normal(size=(2500, 2))) * 0.02
    modes, modes_aligned, displacement, hq = aligned(blob)
    assert (modes, modes_aligned, hq) == (0, 1, 0)
    assert displacement == pytest.approx(50, abs=0.2)
    assert aligned(torch.zeros(50, 2, dtype=torch.float64)) == pytest.approx([0, 1, 50, 0])


def test_samples_that_are_not_numbers_have_no_place() -> None:
    lost = scored(torch.full((30, 2), math.nan, dtype=torch.float64))
    assert lost["modes_aligned"].value == 0 and "displacement" not in lost
    x = torch.cat([perfect(RING, 500, 5) + 0.5, torch.full((3, 2), math.inf, dtype=torch.float64)])
    assert scored(x)["modes_aligned"].value == 8
    huge = scored(torch.tensor([[1e200, 0.0], [-1e200, 1e200]], dtype=torch.float64))
    assert math.isfinite(huge["displacement"].value)
    assert scored(torch.zeros(0, 2)) == {}


def test_a_displaced_grid() -> None:
    line = torch.arange(-4.0, 5.0, 2.0, dtype=torch.float64)
    truth = Modes(torch.cartesian_prod(line, line), 0.05, torch.full((25,), 1 / 25, dtype=torch.float64))
    modes, modes_aligned, _, _ = aligned(0.8 * perfect(truth, 2500, 6) + 1.0, truth)
    assert modes < 25 and modes_aligned == 25


def class_scores(shares: list[float], n: int = 2000) -> dict[str, Score]:
    """Of a sampler that draws each class with its share, judged by a classifier without errors."""
    drawn = np.random.default_rng(7).choice(len(shares), size=n, p=shares)
    logits = torch.nn.functional.one_hot(torch.tensor(drawn), len(shares)).float()
    view = Given(logits, torch.arange(len(shares)))
    return ClassModes()(view, view, torch.Generator())


def ending(metric: str, thresholds: Thresholds, value: float, better: str) -> str:
    """That of a run whose samples are good and have this diversity at every mark."""
    rule = OutcomeRule(good=(Condition("good", Thresholds(limit=0)),), diverse=(Condition(metric, thresholds),))
    marks = range(1, 11)
    curves = {"good": dict.fromkeys(marks, 0.0), metric: dict.fromkeys(marks, value)}
    found = rule.ending("done", marks, curves, {"good": "lower", metric: better})  # type: ignore[dict-item]
    assert found is not None
    return found.kind


# The KL divergence of shares p from uniform is log 10 + the sum of p log p. It is printed in
# docs/explanation/statistics.md.
SAMPLERS = {
    "perfect": ([0.1] * 10, 0.0, ("stable", "stable")),
    "two classes of ten missing": ([0.125] * 8 + [0.0] * 2, 0.223, ("collapsed", "collapsed")),
    "five classes at 1.5 % each": ([0.185] * 5 + [0.015] * 5, 0.427, ("stable", "collapsed")),
    "one class at 15 % of its share": ([0.985 / 9] * 9 + [0.015], 0.060, ("stable", "stable")),
}


@pytest.mark.parametrize(("shares", "divergence", "outcomes"), SAMPLERS.values(), ids=SAMPLERS)
def test_what_the_rule_sees_of_classes(shares: list[float], divergence: float, outcomes: tuple[str, str]) -> None:
    """By `class_modes_20 >= 10` and by `class_kl_uniform <= 0.2`, of 2,000 samples."""
    found = class_scores(shares)
    assert found["class_kl_uniform"].value == pytest.approx(divergence, abs=0.02)
    counted = ending("class_modes_20", Thresholds(limit=10), found["class_modes_20"].value, "higher")
    measured = ending("class_kl_uniform", Thresholds(limit=0.2), found["class_kl_uniform"].value, "lower")
    assert (counted, measured) == outcomes


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Real, Split]:
    """The digits with the classifier that is trained on them, and images that it has not seen."""
    data = Digits().load(None)
    return real_side(data, tmp_path_factory.mktemp("cache")), data.test


# Its errors put images into classes that are missing, which hides two of ten from a limit of 0.2.
TRAINED = SAMPLERS | {"two classes of ten missing": ([0.125] * 8 + [0.0] * 2, 0.187, ("collapsed", "stable"))}


@pytest.mark.parametrize(("shares", "divergence", "outcomes"), TRAINED.values(), ids=TRAINED)
def test_what_the_rule_sees_by_a_trained_classifier(
    digits: tuple[Real, Split], shares: list[float], divergence: float, outcomes: tuple[str, str]
) -> None:
    """Of 2,000 images of real digits with these shares of the classes."""
    (real, unseen), draw = digits, torch.Generator().manual_seed(1)
    assert unseen.y is not None
    members = [torch.nonzero(unseen.y == label)[:, 0] for label in range(10)]
    counts = [round(2000 * share) for share in shares]
    drawn = [own[torch.randint(len(own), (n,), generator=draw)] for own, n in zip(members, counts, strict=True)]
    found = scores_of(ClassModes(), real.view(unseen.x[torch.cat(drawn)]))
    assert float(found["class_modes"].fingerprint["test accuracy"]) > 0.95
    assert found["class_kl_uniform"].value == pytest.approx(divergence, abs=0.03)
    counted = ending("class_modes_20", Thresholds(limit=10), found["class_modes_20"].value, "higher")
    measured = ending("class_kl_uniform", Thresholds(limit=0.2), found["class_kl_uniform"].value, "lower")
    assert (counted, measured) == outcomes


@pytest.mark.parametrize(("dropped", "outcome"), [(0, "stable"), (1, "stable"), (2, "collapsed"), (7, "collapsed")])
def test_what_the_rule_sees_of_modes(dropped: int, outcome: str) -> None:
    """By `modes >= 7`, of a ring sampler that drops some of the eight modes."""
    weights = torch.tensor([1.0] * (8 - dropped) + [0.0] * dropped, dtype=torch.float64)
    x = perfect(Modes(RING.centres, RING.std, weights / weights.sum()), 2500, 8)
    assert ending("modes", Thresholds(limit=7), scored(x)["modes"].value, "higher") == outcome
