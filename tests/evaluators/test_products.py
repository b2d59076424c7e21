"""Samples with many more dimensions than there are samples: scores from their inner products alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from torch_fidelity.metric_kid import kernel_poly, mmd2

from ganbench.evaluators.base import Evaluator
from ganbench.evaluators.birthday import Birthday
from ganbench.evaluators.density_coverage import DensityCoverage
from ganbench.evaluators.fid import FID
from ganbench.evaluators.fid_infinity import FIDInfinity
from ganbench.evaluators.kid import KID
from ganbench.evaluators.memorisation import Memorisation
from ganbench.evaluators.mmd import MMD
from ganbench.evaluators.parts import products, ssim
from ganbench.evaluators.parts.products import across, are_wide, coordinates, within
from ganbench.evaluators.prd import PRD
from ganbench.evaluators.precision_recall import PrecisionRecall
from ganbench.evaluators.sliced_wasserstein import SlicedWasserstein
from ganbench.evaluators.vendi import Vendi
from ganbench.evaluators.wasserstein import Wasserstein
from ganbench.features.bank import Samples
from tests.support.evaluation import Given, image_data, real_side, scores_of

N, SHAPE = 24, (3, 16, 16)  # 768 dimensions: as many as `WIDE` times both sides take 2 * 24 * 8 = 384
EVALUATORS: list[Evaluator] = [
    Birthday(),
    DensityCoverage(features="pixels"),
    FID(features="pixels"),
    FIDInfinity(features="pixels", points=4),
    KID(features="pixels", subsets=7, size=10),
    Memorisation(features="pixels", cells=3),
    MMD(),
    PRD(features="pixels", clusters=4),
    PrecisionRecall(features="pixels"),
    SlicedWasserstein(projections=20),
    Vendi(features="pixels"),
    Wasserstein(p=2),
]
GENERATOR = np.random.default_rng(5)
X, Y = (GENERATOR.normal(size=(n, 120)) + shift for n, shift in ((6, 3.0), (8, 3.5)))


def images(cache: Path) -> Samples:
    """Generated images, of which some are copies of each other and of real ones."""
    real = real_side(image_data(N, shape=SHAPE), cache)
    x = image_data(N, shape=SHAPE, seed=1).test.x.clone()
    x[3], x[4:6] = x[2], real.data.test.x[4:6]
    return real.view(x)


def given() -> tuple[Given, Given]:
    return Given(torch.tensor(X)), Given(torch.tensor(Y))


@pytest.mark.parametrize("evaluator", EVALUATORS, ids=lambda evaluator: evaluator.kind())
def test_scores_are_those_of_the_samples_themselves(
    evaluator: Evaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert are_wide(2 * N, 768)
    shared = scores_of(evaluator, images(tmp_path / "shared"))
    monkeypatch.setattr(products, "WIDE", 10**6)  # in every user of `are_wide`
    for name, score in scores_of(evaluator, images(tmp_path / "direct")).items():
        assert shared[name].value == pytest.approx(score.value, rel=1e-7, abs=1e-7), name


def test_assigned_distances_are_exact(tmp_path: Path) -> None:
    real = real_side(image_data(N, shape=SHAPE), tmp_path)
    copies = real.view(real.data.test.x.flip(0))
    assert scores_of(Wasserstein(), copies)["wasserstein_1"].value == 0
    precision = scores_of(PrecisionRecall(features="pixels"), copies)
    assert {score.value for score in precision.values()} == {1.0}


def test_products_give_the_squared_distances() -> None:
    fake, reals = given()
    wanted = ((X[:, None] - Y) ** 2).sum(-1)
    np.testing.assert_allclose(across(fake, reals, "pixels").squares, wanted, rtol=1e-12)
    np.testing.assert_allclose(within(fake, "pixels").squares, ((X[:, None] - X) ** 2).sum(-1), rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(within(fake, "pixels").raw, X @ X.T, rtol=1e-12)


@pytest.mark.parametrize("numbers", [1, 50, 2**22])
def test_products_do_not_depend_on_the_blocks(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, reals = given()
    wanted = across(fake, reals, "pixels").squares
    monkeypatch.setattr(products, "NUMBERS", numbers)
    np.testing.assert_allclose(across(fake, reals, "pixels").squares, wanted, rtol=1e-12)


def test_coordinates_keep_all_distances() -> None:
    points = coordinates(*given(), "pixels").numpy()
    rows = np.concatenate([X, Y])
    assert points.shape[1] < len(rows)
    wanted = ((rows[:, None] - rows) ** 2).sum(-1)
    np.testing.assert_allclose(((points[:, None] - points) ** 2).sum(-1), wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.golden
def test_the_frechet_distance_is_that_of_covariances(tmp_path: Path) -> None:
    fake = images(tmp_path)
    x, y = (side.reshape(N, -1).float().div(255).double().numpy() for side in (fake.x, fake.real.data.test.x))
    of_x, of_y = np.cov(x.T), np.cov(y.T)
    root = scipy.linalg.sqrtm(of_x @ of_y + 1e-12 * np.eye(768)).real
    wanted = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(of_x + of_y - 2 * root)
    assert scores_of(FID(features="pixels"), fake)["fd_pixels"].value == pytest.approx(wanted, abs=2e-3)


@pytest.mark.golden
def test_the_cubic_kernel_is_that_of_torch_fidelity(tmp_path: Path) -> None:
    fake = images(tmp_path)
    x, y = (side.reshape(N, -1).float().div(255).double().numpy() for side in (fake.x, fake.real.data.test.x))
    wanted = mmd2(*(kernel_poly(a, b, degree=3, gamma=None, coef0=1) for a, b in ((x, x), (x, y), (y, y))))
    assert scores_of(KID(features="pixels"), fake)["kd_pixels"].value == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("shape", [(40, 33), (12, 90)])
def test_a_window_without_its_zeros_filters_alike(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.rand(2, 3, *shape, dtype=torch.float64)
    rows, columns = (ssim._windows(side, 11, x.device) for side in shape)
    monkeypatch.setattr(ssim, "TILE", 7)
    torch.testing.assert_close(ssim._filtered(x, rows, columns), rows @ x @ columns.T, rtol=1e-13, atol=1e-13)
