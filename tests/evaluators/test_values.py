"""Numbers of the evaluators, each from a derivation that doesn't use ganbench, keyed by (kind, version)."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import torch
from sklearn.neighbors import KernelDensity
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD, isc_features_to_metric
from torch_fidelity.metric_kid import kernel_poly, mmd2

from ganbench import rng as streams
from ganbench.datasets.base import Modes
from ganbench.evaluators.base import Evaluator
from ganbench.evaluators.density_coverage import DensityCoverage
from ganbench.evaluators.fid import FID
from ganbench.evaluators.fid_infinity import FIDInfinity
from ganbench.evaluators.inception_score import InceptionScore
from ganbench.evaluators.kid import KID, subsets
from ganbench.evaluators.memorisation import Memorisation
from ganbench.evaluators.modes import ModeCoverage
from ganbench.evaluators.parzen import Parzen, log_likelihood
from ganbench.evaluators.prd import PRD
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.evaluators.vendi import Vendi
from tests.support.evaluation import Given, points_data, real_side, scores_of

pytestmark = pytest.mark.golden

VERSIONS: list[tuple[type[Evaluator], int]] = [
    (DensityCoverage, 1),
    (FID, 2),
    (FIDInfinity, 2),
    (InceptionScore, 1),
    (KID, 3),
    (Memorisation, 2),
    (ModeCoverage, 1),
    (PRD, 3),
    (Parzen, 2),
    (PrecisionRecall, 1),
    (Vendi, 2),
]


@pytest.mark.parametrize(("evaluator", "version"), VERSIONS)
def test_the_numbers_in_this_folder_are_those_of_this_version(evaluator: type[Evaluator], version: int) -> None:
    assert evaluator.version == version, "its numbers changed: derive its values anew"


# Parzen: log mean_i N(x; mu_i, sigma^2 I), worked out by hand in the comments
@pytest.mark.parametrize(
    ("centres", "x", "value"),
    [
        ([[0.0], [1.0]], [[0.5]], -0.725791),  # -1/2 - log(sqrt(2 pi) / 2)
        ([[0.0] * 3, [1.0] * 3], [[0.25] * 3], -1.696934),
    ],
)
def test_parzen_of_two_centres(centres: list[list[float]], x: list[list[float]], value: float, tmp_path: Path) -> None:
    half = math.log10(0.5)
    real = real_side(points_data(x), tmp_path)
    fake = real.view(torch.tensor(centres, dtype=torch.float64))
    found = scores_of(Parzen(start=half, stop=half, num=1), fake)
    assert found["parzen"].value == pytest.approx(value, abs=5e-7)
    assert found["parzen_sigma"].value == pytest.approx(0.5)


def test_parzen_takes_a_standard_deviation_not_a_variance() -> None:
    x, sigma = torch.tensor([[3.0]], dtype=torch.float64), torch.tensor([2.0], dtype=torch.float64)
    found = log_likelihood(x, torch.zeros(1, 1, dtype=torch.float64), sigma).item()
    assert found == pytest.approx(-(3.0**2) / (2 * 2.0**2) - math.log(2.0 * math.sqrt(2 * math.pi)), abs=1e-14)


def test_parzen_equals_the_kernel_density_of_scikit_learn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres, validation, test = rng.normal(size=(300, 5)), rng.normal(size=(120, 5)), rng.normal(size=(200, 5))
    real = real_side(points_data(torch.tensor(test), torch.tensor(validation)), tmp_path)
    found = scores_of(Parzen(n_validation=50), real.view(torch.tensor(centres)))

    sigmas = np.logspace(-1, 0, 10)
    windows = [KernelDensity(bandwidth=sigma).fit(centres) for sigma in sigmas]
    best = int(np.argmax([window.score_samples(validation[:50]).mean() for window in windows]))
    wanted = windows[best].score_samples(test)
    assert found["parzen_sigma"].value == pytest.approx(sigmas[best], rel=1e-12)
    assert found["parzen"].value == pytest.approx(wanted.mean(), abs=1e-8)
    assert found["parzen"].stderr == pytest.approx(wanted.std() / math.sqrt(len(test)), abs=1e-8)


# the longest vectors and the narrowest window of the paper, where an error of 1e-3 in a square would move it by 0.05
def test_parzen_of_images_equals_the_kernel_density_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    centres, x = (rng.random((n, 784)).astype(np.float32) ** 3 for n in (200, 60))
    sigmas = torch.logspace(-1, 0, 10, dtype=torch.float64)
    found = log_likelihood(torch.tensor(x), torch.tensor(centres), sigmas).numpy()
    for row, sigma in zip(found, sigmas.tolist(), strict=True):
        # one leaf: between the bounds of its tree's nodes scikit-learn loses sums as far apart as these
        window = KernelDensity(bandwidth=sigma, leaf_size=len(centres)).fit(centres.astype(np.float64))
        wanted = window.score_samples(x.astype(np.float64))
        np.testing.assert_allclose(row, wanted, rtol=0, atol=1e-8)


# a window of its own for each fold; the standard error is over folds
def test_parzen_by_folds_is_parzen_of_each_fold(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    centres, valid, test = (torch.tensor(rng.normal(size=(n, 3))) for n in (100, 51, 31))
    valid[:17] *= 0.1
    whole = scores_of(Parzen(folds=3, n_validation=10), real_side(points_data(test, valid), tmp_path).view(centres))
    pairs = zip(test.tensor_split(3), valid.tensor_split(3), strict=True)
    views = [real_side(points_data(*pair), tmp_path).view(centres) for pair in pairs]
    each = [scores_of(Parzen(n_validation=10), view) for view in views]
    values = [found["parzen"].value for found in each]
    sigmas = [found["parzen_sigma"].value for found in each]
    assert len(set(sigmas)) > 1, "else this test says little"
    assert whole["parzen"].value == pytest.approx(np.mean(values), rel=1e-12)
    assert whole["parzen"].stderr == pytest.approx(np.std(values, ddof=1) / math.sqrt(3), rel=1e-12)
    assert whole["parzen_sigma"].value == sorted(sigmas)[1]


@pytest.mark.parametrize(("scale", "sigma", "edge"), [(0.0, 0.1, 1), (0.3, 0.1 * 10 ** (4 / 9), 0), (9.0, 1.0, 1)])
def test_parzen_reports_a_window_at_the_edge(scale: float, sigma: float, edge: int, tmp_path: Path) -> None:
    """One centre at 0 and data of spread s: the best window has sigma^2 = mean x^2, here s^2."""
    spread = scale * torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    view = real_side(points_data(spread), tmp_path).view(torch.zeros(1, 1, dtype=torch.float64))
    found = scores_of(Parzen(), view)
    assert found["parzen_sigma"].value == pytest.approx(sigma)
    assert found["parzen_edge"].value == edge


# Inception score of two samples in one split: exp of the mean of KL(p(y|x) || p(y)), worked out with p(y) their mean
@pytest.mark.parametrize(("p", "value"), [([[0.9, 0.1], [0.1, 0.9]], 1.444935), ([[0.9, 0.1], [0.5, 0.5]], 1.107106)])
def test_inception_score_of_two_samples(p: list[list[float]], value: float) -> None:
    view = Given(torch.tensor(p, dtype=torch.float64).log())
    found = InceptionScore(splits=1)(view, view, torch.Generator())
    assert found["is"].value == pytest.approx(value, abs=5e-7)


def test_inception_score_takes_the_papers_contiguous_splits() -> None:
    logits = np.random.default_rng(1).normal(size=(103, 4)) * 3
    p = scipy.special.softmax(logits, axis=1)
    edges = [i * 103 // 10 for i in range(11)]
    scores = []
    for part in (p[a:b] for a, b in itertools.pairwise(edges)):
        scores.append(np.exp(scipy.special.rel_entr(part, part.mean(0)).sum(1).mean()))
    view = Given(torch.tensor(logits))
    found = InceptionScore()(view, view, torch.Generator())["is"]
    assert found.value == pytest.approx(np.mean(scores), rel=1e-12)
    assert found.stderr == pytest.approx(np.std(scores), rel=1e-12)  # the paper's: ddof 0 over the splits


@pytest.mark.parametrize(("n", "splits"), [(103, 10), (64, 7), (1000, 1)])
def test_inception_score_equals_torch_fidelity_bit_for_bit(n: int, splits: int) -> None:
    logits = torch.tensor(np.random.default_rng(n).normal(size=(n, 10)) * 5)
    found = InceptionScore(splits=splits)(Given(logits), Given(logits), torch.Generator())["is"]
    theirs = isc_features_to_metric(logits.log_softmax(1), splits=splits, shuffle=False)
    assert (found.value, found.stderr) == (theirs[KEY_METRIC_ISC_MEAN], theirs[KEY_METRIC_ISC_STD])


def test_frechet_distance_equals_the_matrix_square_root_of_scipy(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    fake, real = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6)), rng.normal(size=(150, 6)) + 0.5
    c1, c2 = np.cov(fake.T), np.cov(real.T)
    shift = ((fake.mean(0) - real.mean(0)) ** 2).sum()
    wanted = shift + np.trace(c1 + c2 - 2 * scipy.linalg.sqrtm(c1 @ c2).real)
    view = real_side(points_data(torch.tensor(real)), tmp_path).view(torch.tensor(fake))
    assert scores_of(FID(features="pixels"), view)["fd_pixels"].value == pytest.approx(wanted, rel=1e-9)


# (x.y / 2 + 1)^3 over X = {(0,0), (1,1)}, Y = {(1,0), (0,1)}: 1 + 1 - 2 (1 + 1 + 3.375 + 3.375) / 4
def test_kernel_distance_of_two_pairs(tmp_path: Path) -> None:
    real = real_side(points_data([[1.0, 0.0], [0.0, 1.0]]), tmp_path)
    view = real.view(torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64))
    found = scores_of(KID(features="pixels", subsets=3), view)["kd_pixels"]
    assert found.value == pytest.approx(-2.375, abs=1e-12)
    assert (found.fingerprint["subset size"], found.stderr) == ("2", None)


@pytest.mark.parametrize("d", [8, 200], ids=["few dimensions", "many"])
def test_kernel_distance_equals_torch_fidelity_on_the_same_subsets(d: int, tmp_path: Path) -> None:
    fake, real = (torch.rand(n, d, generator=torch.Generator().manual_seed(n)) for n in (90, 70))
    side = real_side(points_data(real), tmp_path)
    evaluator = KID(features="pixels", subsets=4, size=30)
    found = scores_of(evaluator, side.view(fake))["kd_pixels"]
    draws = zip(
        subsets(90, 30, 4, streams.stream(0, evaluator.notation())),
        subsets(70, 30, 4, torch.Generator().manual_seed(0)),
        strict=True,
    )
    wanted = np.array([polynomial(fake[i].double().numpy(), real[j].double().numpy()) for i, j in draws])
    assert found.value == pytest.approx(wanted.mean(), rel=1e-6)
    assert found.stderr == pytest.approx(wanted.std(), rel=1e-6)


def polynomial(x: np.ndarray, y: np.ndarray) -> float:
    options = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None,
               "kid_kernel_poly_coef0": 1}  # fmt: skip
    return float(mmd2(kernel_poly(x, x, **options), kernel_poly(x, y, **options), kernel_poly(y, y, **options)))


# k = 1. Real balls all have radius 1, generated ones 0.1, 0.1, 0.9: all generated samples lie in real balls, and of the
# real ones only 1 and 2, in the ball of 1.5
def test_precision_and_recall_by_hand(tmp_path: Path) -> None:
    reals, fakes = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0], [0.5, 0.6, 1.5]
    column = [torch.tensor(side, dtype=torch.float64)[:, None] for side in (fakes, reals)]
    evaluator = PrecisionRecall(features="pixels", k=1)
    found = scores_of(evaluator, real_side(points_data(column[1]), tmp_path).view(column[0]))
    assert (found["precision_pixels"].value, found["recall_pixels"].value) == (1.0, 2 / 6)
    swapped = scores_of(evaluator, real_side(points_data(column[0]), tmp_path).view(column[1]))
    assert (swapped["precision_pixels"].value, swapped["recall_pixels"].value) == (2 / 6, 1.0)


def ring(modes: int = 8, std: float = 0.01) -> Modes:
    angle = torch.arange(modes, dtype=torch.float64) * 2 * math.pi / modes
    weights = torch.full((modes,), 1 / modes, dtype=torch.float64)
    return Modes(torch.stack([angle.sin(), angle.cos()], 1), std, weights)


def perfect(modes: Modes, n: int, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    index = rng.choice(len(modes.centres), size=n, p=modes.weights.numpy())
    return modes.centres[index] + modes.std * torch.tensor(rng.normal(size=(n, 2)))


def test_a_perfect_ring_sampler(tmp_path: Path) -> None:
    truth, n = ring(), 100_000
    real = real_side(points_data([[0.0, 0.0]], modes=truth), tmp_path)
    found = scores_of(ModeCoverage(), real.view(perfect(truth, n, 0)))
    share = 1 - math.exp(-4.5)  # a 2-d normal within 3 standard deviations: 98.889 %
    assert found["hq"].value == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / n))
    assert (found["modes"].value, found["modes_20"].value) == (8, 8)


def test_reverse_kl_of_a_perfect_sampler_is_at_its_floor(tmp_path: Path) -> None:
    truth, n, repeats = ring(), 2500, 40
    real = real_side(points_data([[0.0, 0.0]], modes=truth), tmp_path)
    views = [real.view(perfect(truth, n, seed)) for seed in range(repeats)]
    scaled = [2 * n * scores_of(ModeCoverage(), view)["reverse_kl"].value for view in views]
    # 2 n KL is nearly chi-squared with K - 1 = 7 degrees of freedom (n counts high-quality samples, 1 % fewer)
    assert np.mean(scaled) == pytest.approx(7 / (1 - math.exp(-4.5)), abs=4 * math.sqrt(14 / repeats))


# one mode of double weight among k + 1 angles: the sum of w log(w k)
@pytest.mark.parametrize(("modes", "value"), [(8, 0.0363), (7, 0.0398)])
def test_reverse_kl_of_the_published_layouts(modes: int, value: float, tmp_path: Path) -> None:
    truth = ring(modes)
    real = real_side(points_data([[0.0, 0.0]], modes=truth), tmp_path)
    found = scores_of(ModeCoverage(), real.view(torch.cat([truth.centres, truth.centres[:1]])))
    double, single = 2 / (modes + 1), 1 / (modes + 1)
    wanted = double * math.log(double * modes) + (modes - 1) * single * math.log(single * modes)
    assert wanted == pytest.approx(value, abs=1e-4)
    assert found["reverse_kl"].value == pytest.approx(wanted, abs=1e-14)
    assert (found["modes"].value, found["hq"].value, found["modes_20"].value) == (modes, 1, 0)


# the border of 3 standard deviations, exactly; and a point between two modes that the heavier one answers for
def test_criteria_of_the_papers(tmp_path: Path) -> None:
    truth = Modes(torch.tensor([[0.0, 0.0], [16.0, 0.0]]), 2.0, torch.tensor([0.9, 0.1], dtype=torch.float64))
    points = torch.tensor([[6.0, 0.0], [5.0, 0.0], [16.0, 6.5], [8.1, 0.0]], dtype=torch.float64)
    view = real_side(points_data([[0.0, 0.0]], modes=truth), tmp_path).view(points)
    wanted = {"veegan": (1, 2 / 4, math.log(2)), "pacgan": (1, 1 / 4, math.log(2))}
    # ali: the third alone is the second mode's, -(8.1^2 - 7.9^2) / 8 = -0.4 is less than log 9
    wanted["ali"] = (2, 2 / 4, 0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    for criterion, values in wanted.items():
        found = scores_of(ModeCoverage(criterion=criterion), view)  # type: ignore[arg-type]
        assert [found[name].value for name in ("modes", "hq", "reverse_kl")] == pytest.approx(values, abs=1e-15)


# (K - 1) / (2 n) at n = 2500 samples
@pytest.mark.parametrize(("k", "floor"), [(8, 0.0014), (25, 0.0048)])
def test_floors_of_reverse_kl(k: int, floor: float) -> None:
    assert (k - 1) / (2 * 2500) == pytest.approx(floor, abs=5e-5)


def test_a_perfect_sampler_of_the_grid_reaches_the_floor(tmp_path: Path) -> None:
    line, n, repeats = torch.arange(-4.0, 5.0, 2.0, dtype=torch.float64), 2500, 30
    truth = Modes(torch.cartesian_prod(line, line), 0.05, torch.full((25,), 1 / 25, dtype=torch.float64))
    real = real_side(points_data([[0.0, 0.0]], modes=truth), tmp_path)
    scored = [
        scores_of(ModeCoverage(criterion="pacgan"), real.view(perfect(truth, n, seed))) for seed in range(repeats)
    ]
    assert all(found["modes"].value == found["modes_20"].value == 25 for found in scored)
    share = 1 - math.exp(-4.5)
    hq = np.mean([found["hq"].value for found in scored])
    assert hq == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / n / repeats))
    scaled = np.mean([2 * n * found["reverse_kl"].value for found in scored])
    assert scaled == pytest.approx(24 / share, abs=4 * math.sqrt(48 / repeats) + 0.1)
