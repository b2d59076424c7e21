"""Properties of every evaluator: what it needs, what it leaves unchanged, and what its numbers don't depend on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.datasets.base import Modes, Space
from ganbench.errors import RequestError
from ganbench.evaluators.base import Evaluator
from ganbench.evaluators.birthday import Birthday
from ganbench.evaluators.fid import FID
from ganbench.evaluators.fid_infinity import FIDInfinity
from ganbench.evaluators.inception_score import InceptionScore
from ganbench.evaluators.kid import KID
from ganbench.evaluators.memorisation import Memorisation
from ganbench.evaluators.mmd import MMD
from ganbench.evaluators.modes import ModeCoverage
from ganbench.evaluators.ndb import NDB
from ganbench.evaluators.parzen import Parzen, log_likelihood
from ganbench.evaluators.prd import PRD
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.evaluators.sliced_wasserstein import SlicedWasserstein
from ganbench.evaluators.wasserstein import Wasserstein
from ganbench.features.bank import Real, Samples, evaluate
from tests.support.evaluation import Given, image_data, points_data, real_side, scores_of

TRUTH = Modes(torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]]), 1.0, torch.full((3,), 1 / 3))
POINTS: list[Evaluator] = [
    FID(features="pixels"),
    KID(features="pixels", subsets=5, size=20),
    PrecisionRecall(features="pixels"),
    ModeCoverage(),
    Parzen(),
]


def normal(seed: int, n: int = 60, shift: float = 0.0) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(seed).normal(size=(n, 2)) + shift)


@pytest.fixture
def real(tmp_path: Path) -> Real:
    return real_side(points_data(normal(0), modes=TRUTH), tmp_path)


def metrics(view: Samples, evaluators: list[Evaluator] = POINTS, seed: int = 0) -> dict[str, float]:
    return {name: score.value for _, name, score in evaluate(view, view.real, evaluators, seed)}


@pytest.mark.parametrize("evaluator", POINTS, ids=lambda e: e.notation())
def test_metrics_are_the_declared_ones_within_their_bounds(evaluator: Evaluator, real: Real) -> None:
    declared = {metric.name: metric for metric in evaluator.metrics()}
    found = scores_of(evaluator, real.view(normal(1)))
    assert set(found) == set(declared)
    for name, score in found.items():
        assert declared[name].low <= score.value <= declared[name].high
        assert score.n == 60 and score.n_reference in (0, 60)
        assert score.fingerprint["evaluator"] == evaluator.notation()
        assert {"version", "generated", "torch"} <= score.fingerprint.keys()


def test_a_metric_called_twice_is_equal_and_a_further_evaluator_changes_no_other(real: Real) -> None:
    view = real.view(normal(1))
    assert metrics(view) == metrics(view)
    alone = metrics(view, [POINTS[1]])
    assert alone["kd_pixels"] == metrics(view)["kd_pixels"]
    assert metrics(view, [POINTS[1]], seed=1) != alone


def test_the_inputs_are_left_as_they_were(real: Real) -> None:
    x, before = normal(1), normal(1)
    metrics(real.view(x))
    assert torch.equal(x, before)
    assert torch.equal(real.split("test").x, normal(0)) and torch.equal(TRUTH.centres[1], torch.tensor([5.0, 0.0]))


def test_a_swapped_pair_moves_precision_and_recall_the_right_way(tmp_path: Path) -> None:
    wide, narrow = normal(0, 200), normal(1, 200) * 0.05
    collapsed = scores_of(PrecisionRecall(features="pixels"), real_side(points_data(wide), tmp_path).view(narrow))
    scattered = scores_of(PrecisionRecall(features="pixels"), real_side(points_data(narrow), tmp_path).view(wide))
    assert collapsed["precision_pixels"].value > 0.95 and collapsed["recall_pixels"].value < 0.2
    assert scattered["precision_pixels"].value < 0.2 and scattered["recall_pixels"].value > 0.95


def test_a_distance_of_the_first_samples_is_theirs_alone(real: Real) -> None:
    evaluator, all_samples = FID(features="pixels", generated=40), FID(features="pixels")
    found = scores_of(evaluator, real.view(normal(1)))["fd_pixels"]
    alone = scores_of(all_samples, real.view(normal(1)[:40]))["fd_pixels"]
    assert (found.value, found.n, found.fingerprint["generated"]) == (alone.value, 40, "40")
    assert found.value != scores_of(all_samples, real.view(normal(1)))["fd_pixels"].value
    assert evaluator.unsupported(Space((2,)), 39, False) == "needs at least 40 samples"
    assert evaluator.unsupported(Space((2,)), 40, False) is None


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_distances_are_symmetric_and_near_zero_on_the_set_itself(seed: int) -> None:
    x, y = normal(seed, 30), normal(seed + 1, 30, shift=1.0)
    for evaluator, name in ((FID(), "fid"), (KID(subsets=1), "kid")):
        one, other = (evaluator(Given(a), Given(b), torch.Generator()) for a, b in ((x, y), (y, x)))
        assert one[name].value == pytest.approx(other[name].value, rel=1e-9, abs=1e-9)
    assert FID()(Given(x), Given(y), torch.Generator())["fid"].value > 0.1
    same = FID()(Given(x), Given(x), torch.Generator())["fid"].value
    assert same == pytest.approx(0, abs=1e-9)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(-1e3, 1e3))
def test_parzen_does_not_see_a_common_shift(seed: int, shift: float) -> None:
    x, centres, sigma = normal(seed, 9), normal(seed + 1, 7), torch.tensor([0.3], dtype=torch.float64)
    moved = log_likelihood(x + shift, centres + shift, sigma)
    torch.testing.assert_close(moved, log_likelihood(x, centres, sigma), rtol=1e-8, atol=1e-8)


def test_parzen_in_blocks_is_parzen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    x, centres, sigmas = normal(0, 50), normal(1, 40), torch.tensor([0.1, 0.5], dtype=torch.float64)
    whole = log_likelihood(x, centres, sigmas)
    for block in (1, 7 * 40):
        monkeypatch.setattr("ganbench.evaluators.parts.distances.BLOCK", block)
        torch.testing.assert_close(log_likelihood(x, centres, sigmas), whole, rtol=1e-12, atol=1e-12)


def test_parzen_flags_a_sigma_at_the_edge_of_its_grid(real: Real) -> None:
    view = real.view(normal(1))
    assert metrics(view, [Parzen()])["parzen_edge"] == 0
    wide = metrics(view, [Parzen(start=1, stop=2)])
    assert (wide["parzen_sigma"], wide["parzen_edge"]) == (pytest.approx(10), 1)


@settings(max_examples=30)
@given(st.lists(st.lists(st.floats(-2000, 2000), min_size=3, max_size=3), min_size=4, max_size=12))
def test_inception_score_stays_between_one_and_the_number_of_classes(logits: list[list[float]]) -> None:
    view = Given(torch.tensor(logits))
    score = InceptionScore(splits=2)(view, view, torch.Generator())["is"]
    assert 1 - 1e-9 <= score.value <= 3 + 1e-9


@settings(max_examples=30)
@given(st.lists(st.integers(0, 40), min_size=3, max_size=3))
def test_mode_counts_are_what_was_put_in(counts: list[int]) -> None:
    x = TRUTH.centres.repeat_interleave(torch.tensor(counts), 0)
    far = torch.full((4, 2), 100.0)
    found = ModeCoverage()(Given(torch.cat([x, far])), Given(x, modes=TRUTH), torch.Generator())
    assert found["modes"].value == sum(count >= 1 for count in counts)
    assert found["modes_20"].value == sum(count >= 20 for count in counts)
    assert found["hq"].value == pytest.approx(sum(counts) / (sum(counts) + 4))
    assert ("reverse_kl" in found) == (sum(counts) > 0)


def test_a_mode_is_captured_by_good_samples_only(real: Real) -> None:
    x = torch.tensor([[5.0, 2.9], [0.0, 8.1], [5.0, -3.5]])
    assert metrics(real.view(x), [ModeCoverage()])["modes"] == 1
    assert metrics(real.view(x), [ModeCoverage(within=4.0)])["modes"] == 2
    assert metrics(real.view(x), [ModeCoverage(at_least=2)])["modes"] == 0


def test_names_say_which_features_they_are() -> None:
    names = {
        evaluator.notation(): [metric.name for metric in evaluator.metrics()]
        for evaluator in (FID(), FID(features="pixels"), KID(features="classifier"), InceptionScore())
    }
    assert names == {
        "fid": ["fid"],
        "fid[features=pixels]": ["fd_pixels"],
        "kid[features=classifier]": ["kd_classifier"],
        "inception_score": ["is"],
    }
    assert [m.name for m in PrecisionRecall(features="classifier").metrics()] == [
        "precision_classifier",
        "recall_classifier",
    ]
    assert [m.name for m in InceptionScore(features="classifier").metrics()] == ["is_classifier"]


PLANE, GRAY, UNLABELLED = Space((2,)), Space((1, 8, 8), 10), Space((1, 8, 8))


@pytest.mark.parametrize(
    ("evaluator", "space", "samples", "reason"),
    [
        (FID(features="pixels"), PLANE, 2, None),
        (FID(features="pixels"), PLANE, 1, "needs at least 2 samples"),
        (FID(features="pixels", reference=1), PLANE, 100, "a reference of at least 2 samples"),
        (FID(features="classifier"), GRAY, 100, None),
        (FID(features="classifier"), UNLABELLED, 100, "need images with labels"),
        (FID(), GRAY, 100, None),
        (FID(), PLANE, 100, "need images of 1 or 3 channels"),
        (KID(features="pixels", reference=1), GRAY, 100, "a reference of at least 2 samples"),
        (KID(features="classifier"), PLANE, 100, "need images with labels"),
        (InceptionScore(), GRAY, 9, "as many samples as splits (10)"),
        (InceptionScore(features="classifier"), UNLABELLED, 10, "need images with labels"),
        (PrecisionRecall(), GRAY, 3, "at least 4 samples"),
        (PrecisionRecall(features="pixels", reference=3), PLANE, 9, "a reference of at least 4 samples"),
        (PrecisionRecall(), PLANE, 4, "need images of 1 or 3 channels"),
        (ModeCoverage(), PLANE, 1, "such as ring8 or grid25"),
        (Parzen(), PLANE, 1, None),
        (Parzen(), PLANE, 0, "needs at least 1 sample"),
        (PRD(features="pixels"), PLANE, 19, "needs at least 20 samples"),
        (PRD(features="pixels", reference=19), PLANE, 20, "a reference of at least 20 samples"),
        (FIDInfinity(features="pixels"), PLANE, 10, "subsets of at least 2 samples"),
        (FIDInfinity(features="pixels", least=1), PLANE, 100, "at least 2 sizes"),
        (FIDInfinity(), PLANE, 100, "need images of 1 or 3 channels"),
        (MMD(bandwidths=()), PLANE, 100, "needs at least one bandwidth"),
        (MMD(), PLANE, 1, "needs at least 2 samples"),
        (Wasserstein(), PLANE, 0, "needs at least 1 sample"),
        (SlicedWasserstein(), PLANE, 1, None),
        (NDB(features="classifier"), PLANE, 1, "need images with labels"),
        (Birthday(limit=1), PLANE, 100, "a `limit` of at least 2 samples"),
        (Memorisation(features="pixels", split="train"), PLANE, 100, "needs a held-out split"),
    ],
)
def test_unsupported_says_what_is_needed(evaluator: Evaluator, space: Space, samples: int, reason: str | None) -> None:
    found = evaluator.unsupported(space, samples, modes=False)
    assert found is None if reason is None else found is not None and reason in found


def test_an_unsupported_evaluator_stops_before_any_work(real: Real) -> None:
    with pytest.raises(RequestError, match="inception_score: needs at least as many samples as splits"):
        evaluate(real.view(normal(1, 5)), real, [FID(features="inception"), InceptionScore()][::-1], 0)


def test_too_few_real_samples_are_an_error_with_a_way_out(real: Real) -> None:
    with pytest.raises(RequestError) as error:
        metrics(real.view(normal(1)), [FID(features="pixels", reference=61)])
    assert str(error.value) == ("the test split: 60 samples. at least 61. ask for fewer, or give more real samples")


def test_a_smaller_reference_is_the_first_samples_as_the_fingerprint_says(real: Real) -> None:
    score = scores_of(FID(features="pixels", reference=40), real.view(normal(1)))["fd_pixels"]
    wanted = FID()(Given(normal(1)), Given(normal(0)[:40]), torch.Generator())["fid"].value
    assert score.value == pytest.approx(wanted, rel=1e-9)
    assert (score.n_reference, score.fingerprint["real"]) == (40, "40")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.tensor([[0.0, 0.0], [float("nan"), 0.0], [0.0, float("inf")]]), "row 1 is not finite (2 such rows)"),
        (torch.zeros(4, 3), "torch.float32 of shape 4x3. floats of shape nx2, as the reference"),
        (torch.zeros(4, 2, dtype=torch.uint8), "torch.uint8 of shape 4x2"),
    ],
)
def test_samples_that_cannot_be_scored_are_named(x: torch.Tensor, message: str, real: Real) -> None:
    with pytest.raises(RequestError) as error:
        real.view(x)
    assert message in str(error.value)


def test_images_must_be_at_rest(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="uint8 of shape nx1x8x8"):
        real_side(image_data(), tmp_path).view(torch.rand(3, 1, 8, 8))
