"""The Frechet distance of Gaussians, against closed forms, the matrix square root of scipy, and torch-fidelity."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_statistics_to_metric

from ganbench.evaluators.base import Moments
from ganbench.evaluators.parts import gaussians
from ganbench.evaluators.parts.gaussians import FewSamples, frechet, moments
from ganbench.evaluators.parts.gaussians import gaussian as gaussian_fit

pytestmark = pytest.mark.golden

Array = np.ndarray


def gaussian(mean: list[float], cov: list[list[float]]) -> Moments:
    return Moments(torch.tensor(mean, dtype=torch.float64), torch.tensor(cov, dtype=torch.float64))


def of(x: Array) -> Moments:
    return moments(torch.tensor(x))


def fidelity(one: Moments, two: Moments) -> float:
    first, second = ({"mu": m.mean.numpy(), "sigma": m.cov.numpy()} for m in (one, two))
    found: float = fid_statistics_to_metric(first, second, verbose=False)[KEY_METRIC_FID]
    return found


# N(0, I) and N((1, 0), diag(4, 9)): 1 + (2 - 1)^2 + (3 - 1)^2
def test_diagonal_covariances() -> None:
    one, two = gaussian([0, 0], [[1, 0], [0, 1]]), gaussian([1, 0], [[4, 0], [0, 9]])
    assert frechet(one, two) == pytest.approx(6, abs=1e-12)


# means (1.5, 1) and (5.5, 9): 16 + 64; variances 25/99 and 49 25/99, along one axis: 25/99 (1 + 49 - 2 7)
def test_flat_covariances() -> None:
    real, fake = np.ones((100, 2)), 9 * np.ones((100, 2))
    real[:50, 0] = 2
    fake[50:, 0] = 2
    wanted = 80 + 25 / 99 * 36
    assert wanted == pytest.approx(89.0909, abs=5e-5)
    assert frechet(of(real), of(fake)) == pytest.approx(wanted, rel=1e-13)


def test_equal_covariances_leave_the_squared_distance_of_the_means() -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    assert frechet(of(x), of(x + np.array([3, 0, 4, 0]))) == pytest.approx(25, rel=1e-12)
    still = gaussian([0, 0], [[0, 0], [0, 0]])
    assert frechet(still, gaussian([3, 4], [[0, 0], [0, 0]])) == 25  # two points
    assert frechet(still, gaussian([3, 4], [[2, 1], [1, 5]])) == 32  # a point and a cloud: 25 + 2 + 5


def test_one_dimension() -> None:
    assert frechet(gaussian([1], [[4]]), gaussian([-1], [[9]])) == pytest.approx(4 + 1, rel=1e-14)


@pytest.mark.parametrize("n", [200, 30], ids=["full rank", "rank below dimension"])
def test_a_set_has_no_distance_to_itself(n: int) -> None:
    x = of(np.random.default_rng(1).normal(size=(n, 60)))
    assert frechet(x, x) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize(("n", "m"), [(300, 200), (20, 200), (200, 20), (25, 15)])
def test_it_equals_torch_fidelity_whatever_the_rank(n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    mix = rng.normal(size=(40, 40)) * np.logspace(-1, 1, 40)
    one, two = of(rng.normal(size=(n, 40)) @ mix), of(rng.normal(size=(m, 40)) @ mix + 0.3)
    assert frechet(one, two) == pytest.approx(fidelity(one, two), rel=1e-6)


def test_it_equals_the_matrix_square_root_of_scipy() -> None:
    rng = np.random.default_rng(3)
    one, two = of(rng.normal(size=(300, 30)) @ rng.normal(size=(30, 30))), of(rng.normal(size=(200, 30)) + 1)
    c1, c2 = one.cov.numpy(), two.cov.numpy()
    root = scipy.linalg.sqrtm(c1 @ c2).real
    wanted = float(((one.mean - two.mean) ** 2).sum()) + np.trace(c1 + c2 - 2 * root)
    assert frechet(one, two) == pytest.approx(wanted, rel=1e-10)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(1, 6))
def test_it_is_symmetric_and_follows_a_change_of_unit(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n + 3, d)) * 2 + 1
    found = frechet(of(x), of(y))
    assert found == pytest.approx(frechet(of(y), of(x)), rel=1e-6, abs=1e-9)
    assert frechet(of(1000 * x), of(1000 * y)) == pytest.approx(1e6 * found, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(("n", "m"), [(20, 15), (30, 200), (200, 30), (2, 2), (99, 100)])
def test_few_samples_give_the_distance_of_their_covariances(n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    mix = rng.normal(size=(100, 100)) * np.logspace(-1, 1, 100)
    x, y = rng.normal(size=(n, 100)) @ mix, rng.normal(size=(m, 100)) @ mix + 0.3
    sides = torch.tensor(x), torch.tensor(y)
    found = frechet(*map(gaussian_fit, sides))
    assert all(map(torch.equal, sides, map(torch.tensor, (x, y))))  # inputs are read only
    assert found == pytest.approx(frechet(of(x), of(y)), rel=1e-6)
    assert found == pytest.approx(fidelity(of(x), of(y)), rel=1e-6)


def test_as_many_samples_as_dimensions_keep_their_moments() -> None:
    x = torch.randn(100, 100, generator=torch.Generator().manual_seed(0))
    assert isinstance(gaussian_fit(x), Moments)
    assert isinstance(gaussian_fit(x[:99]), FewSamples)


def test_few_samples_that_are_all_alike_are_a_point() -> None:
    still, cloud = torch.full((3, 50), 2.0), torch.randn(60, 50, generator=torch.Generator().manual_seed(0))
    assert frechet(gaussian_fit(still), gaussian_fit(still + 1)) == 50
    wanted = frechet(of(still.numpy()), of(cloud.numpy()))
    assert frechet(gaussian_fit(still), gaussian_fit(cloud)) == pytest.approx(wanted, rel=1e-12)


def test_blocks_of_dimensions_do_not_affect_the_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = (torch.randn(n, 50, generator=torch.Generator().manual_seed(n)) for n in (10, 12))
    whole = frechet(gaussian_fit(x), gaussian_fit(y))
    monkeypatch.setattr(gaussians, "NUMBERS", 30)
    assert frechet(gaussian_fit(x), gaussian_fit(y)) == pytest.approx(whole, rel=1e-12)
